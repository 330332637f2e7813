"""The counts of an evaluation, a picture at a time, of which each leaves a few numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.learn.data.truth import NOT_COUNTED, VALUES
from zoo.learn.evaluation.boundary import BoundaryCounts
from zoo.learn.evaluation.metrics import Confusion
from zoo.learn.evaluation.reliability import Reliability
from zoo.learn.evaluation.value_pairs import ValuePairs
from zoo.results import Result


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """How well one picture was done.

    Attributes:
        image: The picture.
        pixels: How many of its pixels count.
        miou: Mean IoU over the classes that occur in its mask or its prediction; NaN when no pixel counts.
        accuracy: Share of the counted pixels that are right; NaN when there are none.
    """

    image: Path
    pixels: int
    miou: float
    accuracy: float


#: Is told of every picture: its figures, its result and (H, W) the true classes; other values do not count.
Watch = Callable[[PictureFigures, Result, NDArray[np.uint8 | np.uint16]], object]


class PictureSums:
    """Sums over pictures.

    Attributes:
        confusion: Counts of all pictures together.
        pixels: (65536,) int64; how many pixels of the masks have each value.
        pictures: The figures of each.
        boundary: Counts of pixels close to contours, where they are wanted.
        calibration: Pixels by score, where that is wanted.
    """

    def __init__(
        self, labels: LabelSet, table: NDArray[np.int32], boundary: bool, calibration: bool, watch: Watch | None
    ) -> None:
        size = len(labels)
        self.confusion, self.pixels = Confusion.empty(size), np.zeros(VALUES, np.int64)
        self.pictures: list[PictureFigures] = []
        self.boundary = BoundaryCounts.empty(size) if boundary else None
        self.calibration = Reliability.empty() if calibration else None
        self._watch = watch
        self._labels, self._table = labels, table
        # A byte a pixel, where the classes and one value more fit.
        self._classes = np.where(table >= 0, table, size).astype(np.min_scalar_type(size))

    def add(self, image: Path, pairs: ValuePairs, result: Result, mask: NDArray[np.uint8 | np.uint16]) -> None:
        """Adds a picture.

        Args:
            image: Its file.
            pairs: The pairs of values of `mask` and of the result's.
            result: What was predicted.
            mask: (H, W) the values of its mask file.
        """
        size, unknown = len(self._labels), self._labels.ignore_index
        one = Confusion.empty(size).add_pairs(pairs, self._table[pairs.true], NOT_COUNTED, unknown)
        self.confusion += one
        self.pixels[pairs.true] += pairs.counts.sum(1)
        figures = PictureFigures(image, int(one.true.sum()), one.miou, one.accuracy)
        self.pictures.append(figures)
        if self.boundary is None and self.calibration is None and self._watch is None:
            return
        truth = np.take(self._classes, mask)
        if self.boundary is not None:
            self.boundary = self.boundary.add(truth, result.mask, size)
        if self.calibration is not None:
            counted = (truth != size) & (result.mask < size)
            self.calibration = self.calibration.add(truth == result.mask, result.require_scores(), counted)
        if self._watch is not None:
            self._watch(figures, result, truth)

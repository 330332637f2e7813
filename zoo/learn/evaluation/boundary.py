"""Boundary IoU (arXiv 2103.16562): the IoU of the pixels close to a contour, where masks of large things differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# How far the pixels of a contour reach into a class, as a share of the picture's diagonal: the paper's own.
_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class BoundaryCounts:
    """Pixels close to contours.

    Attributes:
        true: (classes,) int64; those of each class in the masks.
        predicted: (classes,) int64; those in the predictions.
        both: (classes,) int64; those that are of the class and close to its contour in both.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    both: NDArray[np.int64]

    @classmethod
    def empty(cls, num_classes: int) -> BoundaryCounts:
        """Returns counts of zero."""
        return cls(*(np.zeros(num_classes, np.int64) for _ in range(3)))

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        """Returns the counts of both together."""
        return BoundaryCounts(self.true + other.true, self.predicted + other.predicted, self.both + other.both)

    def add(
        self, truth: NDArray[np.uint8 | np.uint16], predicted: NDArray[np.uint8 | np.uint16], void: int
    ) -> BoundaryCounts:
        """Returns new counts with one picture added.

        Args:
            truth: (H, W) classes; a pixel that does not count is `void`.
            predicted: (H, W) classes; other values are no class. What a prediction says of pixels that do not count is
                left out, also where its contours are.
            void: A value that is no class.
        """
        cut = np.where(truth == void, truth, predicted)
        distance = max(1, round(_SHARE * math.hypot(*truth.shape)))
        near_true, near_found = near_contour(truth, distance), near_contour(cut, distance)
        return BoundaryCounts(
            self.true + self._counts(truth[near_true]),
            self.predicted + self._counts(cut[near_found]),
            self.both + self._counts(truth[near_true & near_found & (truth == cut)]),
        )

    @property
    def iou(self) -> NDArray[np.float64]:
        """Boundary IoU of every class, (classes,); NaN for a class that is neither true nor predicted."""
        union = self.true + self.predicted - self.both
        return np.divide(self.both, union, out=np.full(len(union), np.nan), where=union > 0)

    @property
    def miou(self) -> float:
        """Mean over the classes that occur; NaN when nothing was counted."""
        return float(np.nanmean(self.iou)) if np.isfinite(self.iou).any() else float("nan")

    def _counts(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.bincount(values, minlength=len(self.true))[: len(self.true)]


def near_contour(mask: NDArray[np.integer], distance: int) -> NDArray[np.bool_]:
    """Returns which pixels erosion would take from their region, for all values of a mask at once.

    Args:
        mask: (H, W) values.
        distance: How many times a region is eroded by 3x3; at least 1. Outside the picture is no region.

    Returns:
        (H, W) bool.
    """
    near = np.ones(mask.shape, np.bool_)
    height, width = mask.shape
    if min(height, width) > 2 * distance:
        # A square is of one value where no two neighbours in it differ.
        across, down = mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]
        side = 2 * distance
        inner = _any(_any(across, side + 1, 0), side, 1) | _any(_any(down, side, 0), side + 1, 1)
        near[distance : height - distance, distance : width - distance] = inner
    return near


def _any(flags: NDArray[np.bool_], length: int, axis: int) -> NDArray[np.bool_]:
    """Returns for each run of `length` flags along an axis whether one of them is set."""
    flags, covered = flags.swapaxes(0, axis), 1
    while covered < length:
        step = min(covered, length - covered)
        flags = flags[:-step] | flags[step:]
        covered += step
    return flags.swapaxes(0, axis)

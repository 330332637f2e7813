"""Confusion matrix and the figures taken from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.learn.evaluation.value_pairs import ValuePairs, count_pairs
from zoo.message import Message


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of (true class, predicted class) pairs.

    Attributes:
        counts: (classes, classes) int64; rows are true classes.
        unknown: (classes,) int64; pixels of each true class for which the prediction is no class.
    """

    counts: NDArray[np.int64]
    unknown: NDArray[np.int64]

    @classmethod
    def empty(cls, num_classes: int) -> Confusion:
        """Returns a matrix of zeros."""
        return cls(np.zeros((num_classes, num_classes), np.int64), np.zeros(num_classes, np.int64))

    def __add__(self, other: Confusion) -> Confusion:
        """Returns the counts of both together."""
        return Confusion(self.counts + other.counts, self.unknown + other.unknown)

    def add(
        self,
        truth: NDArray[np.integer],
        predicted: NDArray[np.integer],
        ignore_index: int,
        unknown: int | None = None,
    ) -> Confusion:
        """Returns a new matrix with the pixels of one picture added.

        Args:
            truth: (H, W) class values.
            predicted: (H, W) class values.
            ignore_index: Pixels whose true value this is do not count.
            unknown: Predicted value that is no class. Such a pixel is a miss of its true class.

        Raises:
            ValueError: The shapes differ, or a value that is not ignored lies outside the classes.
        """
        pairs = count_pairs(truth, predicted)
        return self.add_pairs(pairs, pairs.true, ignore_index, unknown)

    def add_pairs(
        self, pairs: ValuePairs, classes: NDArray[np.integer], ignore_index: int, unknown: int | None
    ) -> Confusion:
        """Returns a new matrix with counted pairs of values added.

        Args:
            pairs: The counts.
            classes: The class of each of `pairs.true`.
            ignore_index: As in `add`, like the next one.
            unknown: See there.

        Raises:
            ValueError: A value that is not ignored lies outside the classes.
        """
        size, valid = len(self.counts), classes != ignore_index
        rows, columns, counts = classes[valid], pairs.predicted, pairs.counts[valid]
        missed = columns == unknown
        for values in (rows, columns[counts.any(0) & ~missed]):
            if values.size and values.max() >= size:
                raise ValueError(
                    Message("class value {max} is outside the {size} classes", max=values.max(), size=size)
                )
        added = Confusion.empty(size)
        known = ~missed & (columns < size)
        # Several values of a mask may be one class.
        np.add.at(added.counts, np.ix_(rows, columns[known]), counts[:, known])
        np.add.at(added.unknown, rows, counts[:, missed].sum(1))
        return self + added

    @property
    def true(self) -> NDArray[np.int64]:
        """Pixels of every class in the masks, (classes,)."""
        return self.counts.sum(1) + self.unknown

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of every class, (classes,); NaN for a class that is neither true nor predicted."""
        return _shares(self._hits, self.true + self.counts.sum(0) - self._hits)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of every class's pixels that is found, its accuracy, (classes,); NaN for one that is never true."""
        return _shares(self._hits, self.true)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the pixels predicted as a class that are it, (classes,); NaN for one that is never predicted."""
        return _shares(self._hits, self.counts.sum(0))

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice coefficient of every class, which is F1, (classes,); NaN for one neither true nor predicted."""
        return _shares(2 * self._hits, self.true + self.counts.sum(0))

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur, as a fraction; NaN when nothing was counted."""
        return _mean(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean Dice coefficient over the classes that occur; NaN when nothing was counted."""
        return _mean(self.dice)

    @property
    def mean_accuracy(self) -> float:
        """Mean of the classes' accuracies, over those that are true somewhere; NaN when nothing was counted."""
        return _mean(self.recall)

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean IoU in which every class has the weight of its true pixels; NaN when nothing was counted."""
        return _share(float((self.true * np.nan_to_num(self.iou)).sum()), int(self.true.sum()))

    @property
    def accuracy(self) -> float:
        """Share of the counted pixels that are right, as a fraction; NaN when nothing was counted."""
        return _share(int(self._hits.sum()), int(self.true.sum()))

    @property
    def kappa(self) -> float:
        """Cohen's kappa: the accuracy beyond that of chance, of 1; NaN where chance is always right."""
        predicted = [*self.counts.sum(0).tolist(), int(self.unknown.sum())]
        total = sum(predicted)
        # Python's whole numbers: the products of pixel counts do not fit 64 bits.
        chance = sum(true * found for true, found in zip(self.true.tolist(), predicted, strict=False))
        return _share(int(self._hits.sum()) * total - chance, total * total - chance)

    @property
    def _hits(self) -> NDArray[np.int64]:
        return np.diag(self.counts)


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(figures: NDArray[np.float64]) -> float:
    return float(np.nanmean(figures)) if np.isfinite(figures).any() else float("nan")

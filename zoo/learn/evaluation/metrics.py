"""Confusion matrix and the figures taken from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        if truth.shape != predicted.shape:
            raise ValueError(
                Message(
                    "truth has shape {shape}, prediction {predicted_shape}; they must be equal",
                    shape=truth.shape,
                    predicted_shape=predicted.shape,
                )
            )
        size = len(self.counts)
        valid = truth != ignore_index
        rows, columns = truth[valid].astype(np.int64), predicted[valid].astype(np.int64)
        if rows.size and rows.max() >= size:
            raise ValueError(Message("class value {max} is outside the {size} classes", max=rows.max(), size=size))
        missed = np.zeros(len(columns), np.bool_) if unknown is None else columns == unknown
        misses = np.bincount(rows[missed], minlength=size)
        rows, columns = rows[~missed], columns[~missed]
        if columns.size and columns.max() >= size:
            raise ValueError(Message("class value {max} is outside the {size} classes", max=columns.max(), size=size))
        added = np.bincount(rows * size + columns, minlength=size * size)
        return Confusion(self.counts + added.reshape(size, size), self.unknown + misses)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of every class, (classes,); NaN for a class that is neither true nor predicted."""
        hits = np.diag(self.counts).astype(np.float64)
        union = self.counts.sum(0) + self.counts.sum(1) + self.unknown - hits
        return np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur, as a fraction; NaN when nothing was counted."""
        iou = self.iou
        return float(np.nanmean(iou)) if np.isfinite(iou).any() else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of the counted pixels that are right, as a fraction; NaN when nothing was counted."""
        total = int(self.counts.sum() + self.unknown.sum())
        return float(np.trace(self.counts) / total) if total else float("nan")

"""How far a model's scores can be believed: the expected calibration error (arXiv 1706.04599)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """Pixels by the score of the class that they were given, in 15 bins of equal width.

    Attributes:
        pixels: (15,) int64.
        right: (15,) int64; those whose class is the true one.
        scores: (15,) float64; sums of their scores.
    """

    pixels: NDArray[np.int64]
    right: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def empty(cls) -> Reliability:
        """Returns counts of zero."""
        return cls(np.zeros(_BINS, np.int64), np.zeros(_BINS, np.int64), np.zeros(_BINS, np.float64))

    def __add__(self, other: Reliability) -> Reliability:
        """Returns the counts of both together."""
        return Reliability(self.pixels + other.pixels, self.right + other.right, self.scores + other.scores)

    def add(self, right: NDArray[np.bool_], scores: NDArray[np.float32], counted: NDArray[np.bool_]) -> Reliability:
        """Returns new counts with one picture added.

        Args:
            right: (H, W), whether the class is the true one.
            scores: (H, W), the probability of the class, 0 to 1.
            counted: (H, W), which pixels count.
        """
        scores, right = scores[counted], right[counted]
        bins = np.minimum((scores * _BINS).astype(np.uint8), _BINS - 1)
        return Reliability(
            self.pixels + np.bincount(bins, minlength=_BINS),
            self.right + np.bincount(bins[right], minlength=_BINS),
            self.scores + np.bincount(bins, weights=scores, minlength=_BINS),
        )

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of the pixels of each bin that are right, (15,); NaN for an empty one."""
        return np.divide(self.right, self.pixels, out=np.full(_BINS, np.nan), where=self.pixels > 0)

    @property
    def score(self) -> NDArray[np.float64]:
        """Mean score of the pixels of each bin, (15,); NaN for an empty one."""
        return np.divide(self.scores, self.pixels, out=np.full(_BINS, np.nan), where=self.pixels > 0)

    @property
    def error(self) -> float:
        """Expected calibration error: how far accuracy and score are apart in the mean; NaN without pixels."""
        total = int(self.pixels.sum())
        return float(np.abs(self.right - self.scores).sum() / total) if total else float("nan")

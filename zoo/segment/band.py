"""Rows of a picture and the rows of logits they lie between, with half-pixel centres."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from zoo.message import Message


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of a picture that are wanted, and the rows of logits that are at hand for them.

    Attributes:
        start: First row of the picture.
        stop: The row after its last one.
        first: Row of the whole picture's logits that the first one at hand is.
        height: Rows of the whole picture's logits.
    """

    start: int
    stop: int
    first: int
    height: int


def neighbours(position: NDArray[np.intp], of: int | Fraction, to: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where output positions lie between logits, with half-pixel centres.

    Args:
        position: Output positions along one axis.
        of: The axis has `of` logits, also a part of one, ...
        to: ... for `to` positions.

    Returns:
        Index of the logit before each position, -1 before the first one; and the weight of the next one, in 0..1.
    """
    # (position + 0.5) * of / to - 0.5 in integers: no rounding can put a position into a neighbouring cell.
    of, to = of.numerator, to * of.denominator
    before, rest = np.divmod((2 * position + 1) * of - to, 2 * to)
    return before, rest / (2 * to)


def rows_within(known: int, height: int, size: int) -> int:
    """How many rows of a picture depend on the first rows of its logits alone.

    Args:
        known: Rows of logits at hand, from the first; at least 1.
        height: Rows of logits there will be.
        size: Rows of the picture.
    """
    # The first row that is not among them lies on or below the last logit that is known.
    return size if known == height else max(0, -(-(2 * size * (known - 1) + size - height) // (2 * height)))


def checked_band(band: Band | None, height: int, size: tuple[int, int]) -> Band:
    """Returns a band for which the logits at hand suffice; by default the whole picture.

    Args:
        band: The band or None.
        height: Rows of logits at hand.
        size: (H, W) of the picture.

    Raises:
        ValueError: The band lies outside the picture, or needs other rows of logits.
    """
    if band is None:
        return Band(0, size[0], 0, height)
    if 0 <= band.start < band.stop <= size[0] and band.first >= 0 and band.first + height <= band.height:
        (top, bottom), _ = neighbours(np.array([band.start, band.stop - 1]), band.height, size[0])
        if band.first <= max(0, top) and min(bottom + 1, band.height - 1) < band.first + height:
            return band
    raise ValueError(
        Message(
            "{height} rows of logits and a picture of {size} rows do not allow {band}",
            height=height,
            size=size[0],
            band=band,
        )
    )

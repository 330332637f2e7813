"""Per-pixel confidence: the softmax probability of the winning class, without the upsampled logits.

Every logit is interpolated, row by row, and only one row of a few columns of all classes is held at a time: a row stays
in the second-level cache, which makes this several times faster than arrays of the whole picture. Figures:
`benchmarks/slide.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.errors import BundleError
from zoo.message import Message
from zoo.segment.band import Band, checked_band, neighbours
from zoo.segment.upsample import check_logits

Kind = Literal["logits", "probabilities"]

# Elements of one row: 256 KiB of float32.
_CHUNK_ELEMENTS = 1 << 16


class Taps(NamedTuple):
    """The two logits each of n output positions lies between.

    Attributes:
        low: (n,) index of the first one.
        high: (n,) index of the second one.
        weight: (n,) float32 weight of the second one.
    """

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    weight: NDArray[np.float32]

    def after(self, first: int) -> Taps:
        """The same taps in an array that begins at logit number `first`."""
        return Taps(self.low - first, self.high - first, self.weight)

    def at(self, places: slice) -> Taps:
        """The taps of some of the positions."""
        return Taps(self.low[places], self.high[places], self.weight[places])


def winning_scores(
    values: NDArray[np.float32],
    size: tuple[int, int],
    band: Band | None = None,
    kind: Kind = "logits",
    reach: tuple[Fraction, Fraction] | None = None,
) -> NDArray[np.float32]:
    """The probability of the winning class at every pixel, where `upsample_argmax` gives its label.

    Args:
        values: (C, h, w) float32, one picture. Not modified.
        size: (H, W) of the picture.
        band: Which rows to return, as in `upsample_argmax`.
        kind: "logits", whose softmax is taken at every pixel; or "probabilities", which are interpolated as they are.
        reach: As in `upsample_argmax`.

    Returns:
        (H, W) float32, or the band's rows. For logits within 30 of each other they differ from a float64 softmax over
        all upsampled logits by less than 1e-6; the working memory does not depend on the number of classes.

    Raises:
        ValueError: The array, the size or the band is not of this form.
        InferenceError: A value is NaN, infinite or beyond 1e38.
    """
    check_logits(values)
    classes, height, width = values.shape
    band = checked_band(band, height, size)
    down, across = reach or (band.height, width)
    rows = taps(np.arange(band.start, band.stop), down, size[0], band.height).after(band.first)
    scores = np.empty((band.stop - band.start, size[1]), np.float32)
    step = max(1, _CHUNK_ELEMENTS // classes)
    for start in range(0, size[1], step):
        columns = taps(np.arange(start, min(start + step, size[1])), across, size[1], width)
        first = columns.low[0]
        near = values[:, :, first : columns.high[-1] + 1]
        if kind == "logits":
            # Softmax does not see it, but small numbers are interpolated with small errors.
            near = near - near.max(axis=0)
        for out, row in zip(
            scores[:, start : start + step], interpolate(near, rows, columns.after(first)), strict=True
        ):
            if kind == "logits":
                row -= row.max(axis=0)
                np.divide(1, _sum(np.exp(row, out=row)), out=out)
            else:
                row.max(axis=0, out=out)
    return scores


def mean_score(logits: NDArray[np.float32], reach: tuple[Fraction, Fraction] | None = None) -> float:
    """The mean probability of the winning class over a picture: how sure a model is of it.

    Every second logit each way says it to a hundredth, and costs a quarter.

    Args:
        logits: (C, h, w) float32, one picture. Not modified.
        reach: How many of them lie over the picture, as in `upsample_argmax`; None for all.
    """
    rows, columns = (math.ceil(side) for side in reach or logits.shape[1:])
    near = logits[:, :rows:2, :columns:2]
    return float(np.mean(1 / np.exp(near - near.max(axis=0)).sum(axis=0), dtype=np.float64))


def taps(position: NDArray[np.intp], of: int | Fraction, to: int, length: int) -> Taps:
    """The logits next to output positions along an axis of `length` logits; `of` and `to` as in `neighbours`."""
    before, fraction = neighbours(position, of, to)
    return Taps(np.clip(before, 0, length - 1), np.clip(before + 1, 0, length - 1), fraction.astype(np.float32))


def interpolate(values: NDArray[np.float32], rows: Taps, columns: Taps) -> Iterator[NDArray[np.float32]]:
    """Yields the values of one output row after the other.

    Args:
        values: (C, h, w).
        rows: Taps of the m output rows.
        columns: Taps of the n output columns.

    Yields:
        (C, n) float32, m times the same array with other content; it may be written to.
    """
    out = np.empty((len(values), len(columns.low)), np.float32)
    at: tuple[int, int] | None = None
    upper = lower = step = out
    for low, high, weight in zip(rows.low.tolist(), rows.high.tolist(), rows.weight, strict=True):
        if (low, high) != at:
            upper = lower if at is not None and low == at[1] else _across(values[:, low], columns)
            lower = upper if high == low else _across(values[:, high], columns)
            step, at = lower - upper, (low, high)
        np.multiply(step, weight, out=out)
        out += upper
        yield out


def score_kind(bundle: Bundle) -> Kind:
    """Says what the values of a bundle's program are, from its settings or operations and never from the values.

    Raises:
        BundleError: The program returns labels, or its settings do not say.
    """
    if bundle.output == "logits" or bundle.one_channel == "logit":
        return "logits"
    if bundle.output == "scores" or bundle.one_channel == "probability":
        # The settings name softmax as the program's last operator, or the program itself has one.
        return "probabilities"
    fact = (
        Message("returns labels alone")
        if bundle.output == "labels"
        else Message("does not say in its settings (output_op) whether it returns labels, logits or probabilities")
    )
    raise BundleError(
        "There are no scores for {model}: its program {fact}. Logits, or output_op: softmax, were expected.",
        "Export the network with zoo, which keeps the logits, or leave scores and min_score out.",
        model=bundle.model,
        fact=fact,
    )


def _across(row: NDArray[np.float32], columns: Taps) -> NDArray[np.float32]:
    left, right = row.take(columns.low, axis=1), row.take(columns.high, axis=1)
    right -= left
    right *= columns.weight
    left += right
    return left


def _sum(terms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums (C, n) over the classes; overwrites the terms.

    Halves are folded onto each other: adding 150 classes one by one would round away more than 1e-6.
    """
    count = len(terms)
    while count > 16:
        half = count // 2
        terms[:half] += terms[count - half : count]
        count -= half
    return terms[:count].sum(axis=0)

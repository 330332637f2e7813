"""Exact argmax of bilinearly upsampled logits, without the upsampled logits.

Method ("cells"): the output pixels between four neighbouring logits form a cell. A bilinear value is a convex
combination of the four corners, so a class that is the argmax of all four is the argmax of every pixel between them.
Ties keep this true: where another class equals it at a pixel, it equals it at every corner with a weight above zero,
and there argmax already took the lower index. Most cells of a segmentation are of this kind. Only the mixed ones are
evaluated, and there only the classes that can win.

One path serves every pair of sizes. Integer scales allow a matrix product with constant weights instead: measured, it
gains 0.2 of 1.4 ms on street logits and half the time on noise, but BLAS does not promise equal results for equal
columns, so that an exact tie could go to the higher class. Figures: `benchmarks/upsample.py`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.errors import InferenceError
from zoo.message import Message
from zoo.segment.band import Band, checked_band, neighbours

# Longer cells are split (the parts share their corners), so that one cell never needs large working arrays.
_LONGEST_CELL = 16
# Elements of one working array: 256 KiB of float32, so that the few arrays of a chunk stay in the second-level cache.
_CHUNK_ELEMENTS = 1 << 16
# The difference of two logits within this bound is finite in float32.
_LARGEST_LOGIT = 1e38


class _Axis(NamedTuple):
    """The n cells along one axis, each with room for the s positions of the longest.

    Attributes:
        low: (n,) index of the logit before the cell.
        high: (n,) index of the logit after it; equal to `low` at the border and where no position lies between.
        weight: (s, n) float32 weight of `high` at each position; 0 in the places a shorter cell leaves empty.
        place: (size,) where each output position stands among the n * s places.
    """

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    weight: NDArray[np.float32]
    place: NDArray[np.intp]


def upsample_argmax(
    logits: NDArray[np.float32],
    size: tuple[int, int],
    band: Band | None = None,
    reach: tuple[Fraction, Fraction] | None = None,
) -> NDArray[np.uint8 | np.uint16]:
    """The label map of a picture: argmax over classes of the bilinearly resized logits.

    Bilinear with half-pixel centres: output row y reads the logits at (y + 0.5) * h / H - 0.5, clamped to the first and
    the last row, as `paddle.nn.functional.interpolate(mode="bilinear", align_corners=False, align_mode=0)` does. Source
    coordinates are exact; interpolation is float32.

    Args:
        logits: (C, h, w) float32, one picture, 1 to 65536 classes. Not modified.
        size: (H, W) of the picture. Any size: fractional scales, equal and smaller sizes are exact too.
        band: Which rows of the picture to return, where `logits` are only those near them. They are the same as if
            the whole were evaluated at once.
        reach: How many rows and columns of the logits lie over the picture, from the upper left; those beyond are of
            padding. By default all, and always all rows where there is a band.

    Returns:
        (H, W) labels, or those of the band's rows; ties to the lowest class; uint8 up to 256 classes, else uint16.

    Raises:
        ValueError: The array, the size or the band is not of this form.
        InferenceError: A logit is NaN, infinite or beyond 1e38.
    """
    check_logits(logits)
    _check_size(size)
    classes, height, width = logits.shape
    band = checked_band(band, height, size)
    dtype = np.uint8 if classes <= 256 else np.uint16
    winners = lowest_argmax(logits)
    down, across = reach or (band.height, width)
    rows, columns = _axis(size[0], band, down), _axis(size[1], Band(0, size[1], 0, width), across)

    label = winners[np.ix_(rows.low, columns.low)]
    mixed = label != winners[np.ix_(rows.low, columns.high)]
    mixed |= label != winners[np.ix_(rows.high, columns.low)]
    mixed |= label != winners[np.ix_(rows.high, columns.high)]

    tall, wide = len(rows.weight), len(columns.weight)
    cells = np.empty((len(rows.low), tall, len(columns.low), wide), dtype)
    cells[:] = np.repeat(label, wide, axis=1).reshape(len(rows.low), 1, len(columns.low), wide)

    values = logits.reshape(classes, height * width)
    mixed_rows, mixed_columns = np.nonzero(mixed)
    step = max(1, _CHUNK_ELEMENTS // max(tall * wide, classes))
    for start in range(0, len(mixed_rows), step):
        row, column = mixed_rows[start : start + step], mixed_columns[start : start + step]
        corners = np.stack(
            [
                values.take(above_or_below[row] * width + left_or_right[column], axis=1)
                for above_or_below in (rows.low, rows.high)
                for left_or_right in (columns.low, columns.high)
            ]
        )
        cells[row, :, column, :] = _evaluate(corners, rows.weight[:, row], columns.weight[:, column], dtype)

    places = cells.reshape(len(rows.low) * tall, len(columns.low) * wide)
    return np.ascontiguousarray(_take(_take(places, rows.place, 0), columns.place, 1))


def resize_labels(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Nearest-neighbour resize of a label map: output row y is row floor(y / (H / H0)), columns alike.

    This is the rule of OpenCV's INTER_NEAREST, its rounding included, by which PaddleX brings labels back to a picture.

    Args:
        mask: (H0, W0) of any integer dtype. Not modified.
        size: (H, W) wanted.

    Returns:
        (H, W) of the same dtype; `mask` itself where it already has this size.

    Raises:
        ValueError: The array or the size is not of this form.
    """
    if mask.ndim != 2 or 0 in mask.shape or not np.issubdtype(mask.dtype, np.integer):
        raise ValueError(
            Message(
                "a label map is a non-empty (H, W) integer array, not {dtype} of shape {shape}",
                dtype=mask.dtype,
                shape=mask.shape,
            )
        )
    _check_size(size)
    return resize_nearest(mask, size)


def resize_nearest(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resizes (H0, W0) values of any dtype by the rule of `resize_labels`."""
    if array.shape == tuple(size):
        return array
    rows, columns = (
        np.minimum(np.floor(np.arange(to) * (1 / (to / of))).astype(np.intp), of - 1)
        for of, to in zip(array.shape, size, strict=True)
    )
    return array.take(rows, axis=0).take(columns, axis=1)


# The pictures of a run are mostly of few sizes; nothing writes into the arrays.
@lru_cache(maxsize=16)
def _axis(size: int, band: Band, reach: int | Fraction) -> _Axis:
    index, position = np.arange(band.stop - band.start), np.arange(band.start, band.stop)
    before, fraction = neighbours(position, reach, size)
    begins = np.diff(before, prepend=before[0] - 1) != 0
    begins = (index - np.maximum.accumulate(np.where(begins, index, 0))) % _LONGEST_CELL == 0
    starts, cell = np.flatnonzero(begins), np.cumsum(begins) - 1
    inside = index - starts[cell]
    longest = int(inside.max()) + 1
    # The first cell may lack its beginning and the last one its end: integer scales leave no empty place between.
    inside[cell == 0] += longest - np.count_nonzero(cell == 0)
    low, high = np.clip(before[starts], 0, band.height - 1), np.clip(before[starts] + 1, 0, band.height - 1)
    weight = np.zeros((longest, len(starts)), np.float32)
    weight[inside, cell] = np.where((low == high)[cell], 0, fraction)
    high = np.where(weight.any(axis=0), high, low)
    return _Axis(low - band.first, high - band.first, weight, cell * longest + inside)


def lowest_argmax(logits: NDArray[np.float32]) -> NDArray[Any]:
    """`logits.argmax(axis=0)` of (C, h, w), but faster and of the dtype of labels.

    It is the highest rank among the best classes, where class 0 ranks highest.
    """
    last = len(logits) - 1
    dtype = np.uint8 if last < 256 else np.uint16
    ranks = np.arange(last, -1, -1).astype(dtype)[:, None, None]
    best = (logits == logits.max(axis=0)).view(np.uint8)
    return dtype(last) - (best * ranks).max(axis=0)


def _evaluate(
    corners: NDArray[np.float32],
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    dtype: type[np.uint8] | type[np.uint16],
) -> NDArray[Any]:
    """The labels of all pixels of n cells.

    Args:
        corners: (4, C, n) logits: upper left, upper right, lower left, lower right.
        down: (s, n) weight of the lower corners.
        across: (t, n) weight of the right corners.
        dtype: Of the labels.

    Returns:
        (n, s, t) labels.
    """
    # A class whose best corner is below another's worst corner wins nowhere in the cell: with 150 classes, on street
    # logits, evaluating only the others takes 2.3 ms instead of 18.6.
    possible = corners.max(axis=0) >= corners.min(axis=0).max(axis=0)
    counts = np.count_nonzero(possible, axis=0)
    # Cells with many candidates first: those that still have a k-th candidate are then a prefix, and need no gathering.
    order = np.argsort(-counts, kind="stable")
    counts = counts[order]
    candidates = np.nonzero(possible.T[order])[1]
    first = np.cumsum(counts) - counts
    down, across = down[:, None, order], across[:, order]

    shape = len(down), len(across), len(order)
    best, value, better = np.full(shape, -np.inf, np.float32), np.empty(shape, np.float32), np.empty(shape, np.bool_)
    labels, label = np.zeros(shape, dtype), np.empty(shape, dtype)
    for turn in range(counts[0]):
        live = int(np.count_nonzero(counts > turn))
        classes = candidates[first[:live] + turn]
        upper_left, upper_right, lower_left, lower_right = corners[:, classes, order[:live]]
        upper = upper_left + (upper_right - upper_left) * across[:, :live]
        lower = lower_left + (lower_right - lower_left) * across[:, :live]
        np.multiply(lower - upper, down[..., :live], out=value[..., :live])
        np.add(upper, value[..., :live], out=value[..., :live])
        # Classes come in ascending order: a later one wins only if strictly better, and then is the highest label yet.
        np.greater(value[..., :live], best[..., :live], out=better[..., :live])
        np.maximum(best[..., :live], value[..., :live], out=best[..., :live])
        np.multiply(better[..., :live].view(np.uint8), classes.astype(dtype), out=label[..., :live])
        np.maximum(labels[..., :live], label[..., :live], out=labels[..., :live])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return labels.transpose(2, 0, 1)[back]


def _take(array: NDArray[Any], places: NDArray[np.intp], axis: int) -> NDArray[Any]:
    """`array.take`, but a view where the places are neighbours, as they are with integer scales."""
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 != len(places):
        return array.take(places, axis=axis)
    return array[first : last + 1] if axis == 0 else array[:, first : last + 1]


def check_logits(logits: NDArray[np.float32]) -> None:
    """Checks that an array holds finite logits.

    Raises:
        ValueError: It is not (C, h, w) float32 with 1 to 65536 classes.
        InferenceError: A logit is NaN, infinite or beyond 1e38.
    """
    if logits.ndim != 3 or 0 in logits.shape or logits.dtype != np.float32:
        raise ValueError(
            Message(
                "logits are a non-empty (C, h, w) float32 array, not {dtype} of shape {shape}",
                dtype=logits.dtype,
                shape=logits.shape,
            )
        )
    if len(logits) > 65536:
        raise ValueError(Message("logits have {count} classes; label maps hold at most 65536", count=len(logits)))
    # NaN fails both comparisons.
    if logits.min() >= -_LARGEST_LOGIT and logits.max() <= _LARGEST_LOGIT:
        return
    count = np.count_nonzero(np.isnan(logits))
    what = (
        Message("NaN in {count} of", count=count) if count else Message("infinite values (or values beyond 1e38) among")
    )
    raise InferenceError(
        "the network returned {what} {size} logits; expected finite numbers.",
        "Check the input for NaN and the weights for damage; with fp16, try fp32.",
        what=what,
        size=logits.size,
    )


def _check_size(size: tuple[int, int]) -> None:
    if len(size) != 2 or min(size) < 1:
        raise ValueError(Message("a size is (height, width), both at least 1, not {size}", size=size))

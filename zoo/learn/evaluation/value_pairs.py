"""Pairs of values in two masks of one picture, counted in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.message import Message

# Pixels counted at a time: their copies stay in the processor's cache.
_CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class ValuePairs:
    """How many pixels have each pair of values.

    Attributes:
        true: (n,) values that occur in the true mask, ascending.
        predicted: (m,) values that occur in the predicted mask, ascending.
        counts: (n, m) int64.
    """

    true: NDArray[np.intp]
    predicted: NDArray[np.intp]
    counts: NDArray[np.int64]


def count_pairs(truth: NDArray[np.integer], predicted: NDArray[np.integer]) -> ValuePairs:
    """Counts the pairs of values.

    Args:
        truth: (H, W) values from 0.
        predicted: (H, W) values from 0.

    Raises:
        ValueError: The shapes differ, or a value is negative.
    """
    if truth.shape != predicted.shape:
        raise ValueError(
            Message(
                "truth has shape {shape}, prediction {predicted_shape}; they must be equal",
                shape=truth.shape,
                predicted_shape=predicted.shape,
            )
        )
    (true, rows), (found, columns) = _places(truth.ravel()), _places(predicted.ravel())
    if rows.dtype == columns.dtype == np.uint8:
        counts = _count_bytes(rows, columns)[: len(true), : len(found)]
    else:
        index = rows * np.intp(len(found)) + columns
        counts = np.bincount(index, minlength=len(true) * len(found)).reshape(len(true), len(found))
    kept, seen = counts.any(1), counts.any(0)
    return ValuePairs(true[kept], found[seen], counts[np.ix_(kept, seen)].astype(np.int64, copy=False))


def _count_bytes(rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Returns (256, 256) counts: two bytes side by side are one number, so nothing is computed."""
    counts = np.zeros(256 * 256, np.int64)
    for start in range(0, rows.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        both = np.stack((columns[part], rows[part]), axis=-1)
        counts += np.bincount(both.ravel().view("<u2"), minlength=counts.size)
    return counts.reshape(256, 256)


def _places(values: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.integer]]:
    """Returns values in ascending order, and the place of each of `values` among them: bytes where those will do."""
    if values.dtype == np.uint8 or not values.size or (values.min() >= 0 and values.max() < 256):
        return np.arange(256), values.astype(np.uint8, copy=False)
    present = np.flatnonzero(np.bincount(values))
    places = np.zeros(int(present[-1]) + 1, np.uint8 if len(present) <= 256 else np.intp)
    places[present] = np.arange(len(present))
    return present, places[values]

"""Fewer corners for an outline."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError

Number = TypeVar("Number", np.int64, np.float64)


def check_tolerance(tolerance: float) -> None:
    """Checks a tolerance.

    Raises:
        OutputError: It is not a number from 0 up.
    """
    if not 0 <= tolerance < math.inf:
        raise OutputError(
            "The tolerance is {tolerance!r}. A number of pixels from 0 up was expected.",
            "Use tolerance=1.0",
            tolerance=tolerance,
        )


def simplify_ring(ring: NDArray[Number], tolerance: float) -> NDArray[Number]:
    """Leaves out corners that lie near the straight line between those that stay (Douglas and Peucker 1973).

    Args:
        ring: (N, 2) corners, each once.
        tolerance: Largest distance in pixels; 0 keeps every corner.

    Returns:
        (M, 2) corners of the ring, the first of them first. A ring of which less than a triangle would be left stays as
        it is.
    """
    if tolerance <= 0:
        return ring
    closed = np.concatenate((ring, ring[:1])).astype(np.float64)
    middle = int(np.argmax(((closed[:-1] - closed[0]) ** 2).sum(axis=1)))
    keep = np.zeros(len(closed), dtype=np.bool_)
    keep[[0, middle]] = True
    waiting = [(0, middle), (middle, len(closed) - 1)]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2:
            continue
        distances = _distances(closed[start + 1 : end], closed[start], closed[end])
        farthest = int(np.argmax(distances))
        if distances[farthest] > tolerance:
            keep[start + 1 + farthest] = True
            waiting += [(start, start + 1 + farthest), (start + 1 + farthest, end)]
    kept = ring[keep[:-1]]
    return kept if len(kept) > 2 else ring


def _distances(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the distance of each point to a line segment."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0.0, 1.0) if length else np.zeros(len(points))
    nearest = start + share[:, None] * along
    return np.hypot(points[:, 0] - nearest[:, 0], points[:, 1] - nearest[:, 1])

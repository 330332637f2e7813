"""Polygons filled as pycocotools fills them, and as outlines through the centres of pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.message import Message

#: How far from the picture a corner may be, in its longer sides: the work grows with the length of the edges.
_FAR = 4
# pycocotools walks along an outline in steps of a fifth of a pixel.
_SCALE = 5
# Longest outline, in steps; each needs some 50 bytes.
_MOST_STEPS = 20_000_000


def ring_of(values: Sequence[object], size: tuple[int, int]) -> NDArray[np.float64]:
    """Returns the corners (N, 2) of a flat list x, y, x, y, ...

    Raises:
        ValueError: It is no such list, or leads too far out of the picture; a `Message`.
    """
    numbers = [value for value in values if isinstance(value, (int, float))]
    if len(numbers) % 2 or len(numbers) != len(values):
        raise ValueError(Message("has an outline that is no list of x, y, x, y, ... in pixels"))
    # A whole number of hundreds of digits is no float.
    limit = (_FAR + 1) * max(size)
    if not all(-limit <= value <= limit for value in numbers):
        raise ValueError(
            Message("has a corner far outside of its picture of {height}x{width}", height=size[0], width=size[1])
        )
    return np.array(numbers, np.float64).reshape(-1, 2)


def fill_area(ring: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Fills a polygon whose corners are corners of areas, so that 0..2 covers two pixels.

    The pixels are those of pycocotools: the outline is walked in fifths of a pixel, and in each column the pixels turn
    inside or outside where it is crossed.

    Args:
        ring: (N, 2) corners x, y; N is at least 1.
        size: (height, width).

    Returns:
        (H, W).

    Raises:
        ValueError: The outline is too long; a `Message`.
    """
    height, width = size
    corners = np.trunc(_SCALE * ring + 0.5).astype(np.int64)
    u, v = _walk(corners, np.roll(corners, -1, axis=0))
    # A column is crossed between two steps at its middle.
    crossed = np.flatnonzero(u[1:] != u[:-1])
    before, after = u[crossed], u[crossed + 1]
    x = (np.where(after < before, after, after - 1) + 0.5) / _SCALE - 0.5
    inside = (np.floor(x) == x) & (x >= 0) & (x <= width - 1)
    y = np.minimum(v[crossed], v[crossed + 1])[inside]
    y = np.ceil(np.clip((y + 0.5) / _SCALE - 0.5, 0, height)).astype(np.int64)
    turns = x[inside].astype(np.int64) * height + y
    filled = np.zeros(height * width, np.bool_)
    if turns.size:
        first, last = int(turns.min()), int(turns.max())
        parity = np.cumsum(np.bincount(turns - first)) % 2 == 1
        filled[first : last + 1] = parity[: filled.size - first]
        filled[last:] |= parity[-1]
    return filled.reshape(width, height).T


def _walk(start: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the points on the edges from each start to each end, both included, one in each row or column."""
    span = end - start
    dx, dy = np.abs(span).T
    steep = dx < dy
    flip = np.where(steep, span[:, 1] < 0, span[:, 0] < 0)
    low, high = np.where(flip[:, None], end, start), np.where(flip[:, None], start, end)
    steps = np.maximum(dx, dy)
    rise = high - low
    slope = np.where(steep, rise[:, 0], rise[:, 1]) / np.maximum(steps, 1)
    counts = steps + 1
    if counts.sum() > _MOST_STEPS:
        raise ValueError(Message("has an outline of more than {pixels} pixels' length", pixels=_MOST_STEPS // _SCALE))
    edge = np.repeat(np.arange(len(start)), counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    step = np.where(flip[edge], steps[edge] - step, step)
    along = np.where(steep[edge], low[edge, 1], low[edge, 0]) + step
    across = np.trunc(np.where(steep[edge], low[edge, 0], low[edge, 1]) + slope[edge] * step + 0.5).astype(np.int64)
    return np.where(steep[edge], across, along), np.where(steep[edge], along, across)


def fill_centres(ring: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Fills an outline through the centres of pixels, which belong to it, so that 0..2 covers three pixels.

    Args:
        ring: (N, 2) corners x, y; a line or a point is drawn too.
        size: (height, width).

    Returns:
        (H, W).
    """
    canvas = Image.new("1", (size[1], size[0]))
    pen = ImageDraw.Draw(canvas)
    points = [(float(x), float(y)) for x, y in ring]
    if len(points) > 2:
        pen.polygon(points, fill=1, outline=1)
    else:
        pen.line([*points, points[0]], fill=1)
    return np.array(canvas)


def through_centres(rings: Iterable[NDArray[np.float64]]) -> bool:
    """Says whether polygons are outlines through the centres of pixels, as contour finders return them.

    Their corners are whole numbers, every edge goes straight or along a diagonal, and some goes from a pixel to the one
    diagonal to it, as no corner of areas does. Rectangles alone may be either and are not taken for outlines.
    """
    diagonal = False
    for ring in rings:
        if (ring != np.round(ring)).any():
            return False
        span = np.abs(np.roll(ring, -1, axis=0) - ring)
        if ((span[:, 0] != 0) & (span[:, 1] != 0) & (span[:, 0] != span[:, 1])).any():
            return False
        diagonal = diagonal or bool((span == 1).all(axis=1).any())
    return diagonal


def rotated(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Turns points (N, 2) about their mean, clockwise as seen in a picture."""
    angle = np.deg2rad(degrees)
    centre = points.mean(axis=0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (points - centre) @ turn + centre

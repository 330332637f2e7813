"""Outlines of regions as polygons with holes.

A polygon is the outline of one region, pixels of one value that share edges, along the edges of its pixels: x counts
columns to the right, y rows down, (0, 0) is the upper left corner of the upper left pixel. So a single pixel is a
square with the area 1, neighbours share their outlines, and filling all polygons gives the mask back exactly: a pixel
belongs to the polygon that its centre lies in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.results.formats.simplify import check_tolerance, simplify_ring
from zoo.results.regions import find_regions

Ring = NDArray[np.int64]

# Directions of an outline, which has its region on the right: east, south, west, north.
_E, _S, _W, _N = range(4)

# For a pixel south-east, south-west, north-west, north-east of a corner: its neighbours beside it, above or below it,
# and opposite, as positions in this list; the directions in which the outline comes to the corner and leaves it if the
# pixel stands alone there; and those if it is the only one missing.
_QUADRANTS = (
    (1, 3, 2, (_N, _E), (_W, _S)),
    (0, 2, 3, (_E, _S), (_N, _W)),
    (3, 1, 0, (_S, _W), (_E, _N)),
    (2, 0, 1, (_W, _N), (_S, _E)),
)


@dataclass(frozen=True, eq=False, slots=True)
class Polygon:
    """The outline of one region.

    Attributes:
        value: The region's value in the mask.
        pixels: How many pixels the region has: the area of the outer ring without that of the holes.
        outer: (N, 2) corners (x, y), each once, beginning with the highest one, in the direction east, south, west,
            north; its signed area sum(x[i] * y[i + 1] - x[i + 1] * y[i]) / 2 is positive.
        holes: The outlines of what lies within, in the other direction. They touch the outer ring and each other in
            single corners at most.
    """

    value: int
    pixels: int
    outer: Ring
    holes: tuple[Ring, ...]


def trace(mask: NDArray[np.uint8 | np.uint16], tolerance: float = 0.0) -> tuple[Polygon, ...]:
    """Traces the outlines of all regions, also of those without a class.

    Args:
        mask: (H, W) class values.
        tolerance: Pixels by which an outline may leave the exact one to save corners (Douglas and Peucker 1973). Above
            0 outlines of neighbours may overlap or leave gaps, and a ring may cross itself.

    Returns:
        The polygons in the order in which their first pixels stand in the rows of the mask.

    Raises:
        OutputError: The tolerance is not a number from 0 up.
    """
    check_tolerance(tolerance)
    regions = find_regions(mask)
    x, y, region, arriving, leaving = _corners(regions.numbers)
    following = _link(x, y, region, arriving, leaving)
    order, ends = _walk(following)
    points = np.stack((x[order], y[order]), axis=1)
    starts = np.concatenate(([0], ends[:-1]))
    doubled = np.add.reduceat(x[order] * y[following[order]] - x[following[order]] * y[order], starts)
    outer: list[Ring] = [points[:0]] * regions.values.size
    holes: list[list[Ring]] = [[] for _ in outer]
    for start, end, number, area in zip(
        starts.tolist(), ends.tolist(), region[order[starts]].tolist(), doubled.tolist(), strict=True
    ):
        ring = simplify_ring(points[start:end], tolerance)
        if area > 0:
            outer[number] = ring
        else:
            holes[number].append(ring)
    return tuple(
        Polygon(value, pixels, ring, tuple(inner))
        for value, pixels, ring, inner in zip(
            regions.values.tolist(), regions.pixels.tolist(), outer, holes, strict=True
        )
    )


def _corners(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Returns x, y, region and the two directions of every corner of every outline, in the order of rows."""
    padded = np.pad(numbers, 1, constant_values=-1)
    around = (padded[1:, 1:], padded[1:, :-1], padded[:-1, :-1], padded[:-1, 1:])
    mixed = np.flatnonzero((around[0] != around[1]) | (around[0] != around[2]) | (around[0] != around[3]))
    pixels = [part.reshape(-1)[mixed] for part in (np.ascontiguousarray(part) for part in around)]
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int]]] = []
    for pixel, (beside, above, opposite, alone, missing) in zip(pixels, _QUADRANTS, strict=True):
        apart = (pixel != pixels[beside]) & (pixel != pixels[above])
        found.append((np.flatnonzero(apart & (pixel != pixels[opposite]) & (pixel >= 0)), pixel, alone))
        # Where two pixels of a region touch at a corner only, its outline has the pixel between them on its left twice:
        # no ring then meets itself.
        notched = (pixels[beside] == pixels[above]) & apart & (pixels[beside] >= 0)
        found.append((np.flatnonzero(notched), pixels[beside], missing))
    place = np.concatenate([index for index, _, _ in found])
    region = np.concatenate([owner[index] for index, owner, _ in found])
    turns = np.concatenate([np.broadcast_to(np.array(turn), (index.size, 2)) for index, _, turn in found])
    order = np.argsort(place, kind="stable")
    y, x = np.divmod(mixed[place[order]], numbers.shape[1] + 1)
    return x, y, region[order], turns[order, 0], turns[order, 1]


def _link(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    region: NDArray[np.int64],
    arriving: NDArray[np.int64],
    leaving: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Returns the corner that follows each corner: along a line the sides of one region that point in one direction do
    not overlap, so the n-th that leaves goes to the n-th that arrives.
    """
    following = np.empty(x.size, dtype=np.int64)
    widest = int(max(x.max(), y.max())) + 1
    regions = int(region.max()) + 1
    for direction in (_E, _S, _W, _N):
        line, along = (y, x) if direction in (_E, _W) else (x, y)
        key = (line * regions + region) * widest + along
        from_, to = np.flatnonzero(leaving == direction), np.flatnonzero(arriving == direction)
        following[from_[np.argsort(key[from_])]] = to[np.argsort(key[to])]
    return following


def _walk(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the corners ring after ring, each beginning with its first, and where the rings end."""
    after = following.tolist()
    seen = bytearray(len(after))
    order: list[int] = []
    ends: list[int] = []
    for corner in range(len(after)):
        if seen[corner]:
            continue
        while not seen[corner]:
            seen[corner] = 1
            order.append(corner)
            corner = after[corner]
        ends.append(len(order))
    return np.array(order, dtype=np.int64), np.array(ends, dtype=np.int64)

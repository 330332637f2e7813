"""Names of classes, written into their regions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.results.drawing.font import Lettering
from zoo.results.regions import find_regions

_INK, _EDGE = (255, 255, 255), (24, 26, 30)
#: Share of the picture that a region must have to be named.
_LEAST_SHARE = 0.01


def write_names(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8 | np.uint16], letters: Lettering
) -> NDArray[np.uint8]:
    """Writes the name of its class into every large region that has room for it.

    Args:
        picture: (H, W, 3) RGB; not modified.
        mask: (H, W) class values.
        letters: Names of the values; those without one are not written.

    Returns:
        (H, W, 3) RGB.
    """
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    stroke = max(1, letters.size // 10)
    for value, corner, region in _large_regions(mask):
        if (name := letters.names.get(value)) is None:
            continue
        font = letters.fonts[value]
        left, top, right, bottom = draw.textbbox((0, 0), name, font=font, stroke_width=stroke)
        place = _room(region, math.ceil(bottom - top) + stroke, math.ceil(right - left) + stroke)
        if place is not None:
            start = corner[1] + place[1] - left, corner[0] + place[0] - top
            draw.text(start, name, font=font, fill=_INK, stroke_width=stroke, stroke_fill=_EDGE)
    return np.array(canvas, dtype=np.uint8)


def _large_regions(
    mask: NDArray[np.uint8 | np.uint16],
) -> Iterator[tuple[int, tuple[int, int], NDArray[np.bool_]]]:
    """Yields value, upper left corner (y, x) and shape of each large region."""
    regions = find_regions(mask)
    for number in np.flatnonzero(regions.pixels >= _LEAST_SHARE * mask.size).tolist():
        region = regions.numbers == number
        rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        yield int(regions.values[number]), (top, left), region[top : rows[-1] + 1, left : columns[-1] + 1]


def _room(region: NDArray[np.bool_], height: int, width: int) -> tuple[int, int] | None:
    """Returns the upper left corner (y, x) of the box within a region nearest to its middle; None if there is none."""
    if height > region.shape[0] or width > region.shape[1]:
        return None
    # The sum over any box is that of its four corners.
    sums = np.zeros((region.shape[0] + 1, region.shape[1] + 1), np.int32)
    np.cumsum(np.cumsum(region, axis=0, dtype=np.int32), axis=1, out=sums[1:, 1:])
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    rows, columns = np.nonzero(inside == height * width)
    if not rows.size:
        return None
    middle = [float(place.mean()) for place in np.nonzero(region)]
    distance = np.hypot(rows + height / 2 - middle[0], columns + width / 2 - middle[1])
    nearest = int(np.argmin(distance))
    return int(rows[nearest]), int(columns[nearest])

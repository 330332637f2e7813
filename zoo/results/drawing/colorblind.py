"""Colours that people with any kind of colour vision can tell apart."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import Color

#: The eight of Okabe and Ito (2008), black last: it is the hardest to see over a dark picture.
_FIRST = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (0, 0, 0),
)
#: Levels of a channel of the colours that are chosen from.
_LEVELS = 8
#: How linear red, green and blue look without the cones for red, for green, for blue (Vienot, Brettel and Mollon 1999,
#: and the same construction for blue).
_LACKING = np.array(
    [
        [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
        [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
        [[1.0, 0.14461, -0.14461], [0.0, 0.85924, 0.14076], [0.0, 0.85924, 0.14076]],
    ]
)
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _TO_XYZ.sum(axis=1)


@lru_cache(maxsize=8)
def colorblind_palette(count: int) -> tuple[Color, ...]:
    """Returns colours, each as far as possible from all before it to whoever sees it worst.

    The first eight are those of Okabe and Ito. Every other one is, of a grid of 512 colours, the one whose smallest
    difference from those before it is largest, with all cones and without any one kind of them. Beyond some hundreds
    they repeat.

    Args:
        count: How many.
    """
    steps = np.round(np.linspace(0, 255, _LEVELS)).astype(int)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    candidates, chosen = seen(grid), [*_FIRST[:count]]
    nearest = np.full(len(grid), np.inf)
    for color in chosen:
        nearest = np.minimum(nearest, _differences(candidates, seen(np.array([color]))))
    while len(chosen) < min(count, len(grid)):
        best = int(np.argmax(nearest))
        red, green, blue = grid[best].tolist()
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, _differences(candidates, candidates[:, best : best + 1]))
    return tuple(chosen[number % len(chosen)] for number in range(count))


def seen(colors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns how colours look with all cones, and without those for red, green and blue.

    Args:
        colors: (N, 3) sRGB, 0..255.

    Returns:
        (4, N, 3) CIE L*a*b*.
    """
    share = colors / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    views = np.stack([linear, *(linear @ lacking.T for lacking in _LACKING)])
    ratio = np.clip(views, 0, 1) @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack(
        [
            116 * root[..., 1] - 16,
            500 * (root[..., 0] - root[..., 1]),
            200 * (root[..., 1] - root[..., 2]),
        ],
        axis=-1,
    )


def _differences(candidates: NDArray[np.float64], color: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(((candidates - color) ** 2).sum(axis=-1)).min(axis=0)

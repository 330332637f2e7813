"""Bilinear resizing by OpenCV's rules, without OpenCV.

PaddleX and PaddleSeg resize pictures with OpenCV's INTER_LINEAR, and their models should see here what they see there.
It samples between four pixels in fixed point: weights are multiples of 1/2048, products are cut to 16 bits and rounded
once. `make interop` compares the masks that follow from it with PaddleX's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ONE = np.float32(2048)


def resize_linear(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes a picture.

    Args:
        image: (H0, W0, C) uint8; not modified.
        size: (H, W) wanted.

    Returns:
        (H, W, C) uint8.
    """
    x0, x1, left, right = _taps(image.shape[1], size[1], clamp=True)
    wide = image.astype(np.int32)
    wide = (wide[:, x0] * left[:, None] + wide[:, x1] * right[:, None]) >> 4
    y0, y1, above, below = _taps(image.shape[0], size[0], clamp=False)
    tall = ((wide[y0] * above[:, None, None]) >> 16) + ((wide[y1] * below[:, None, None]) >> 16)
    return ((tall + 2) >> 2).astype(np.uint8)


def _taps(
    length: int, size: int, clamp: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]:
    """The two pixels each new one lies between, and their weights in units of 1/2048."""
    position = ((np.arange(size) + 0.5) * (length / size) - 0.5).astype(np.float32)
    first = np.floor(position).astype(np.intp)
    weight = position - first.astype(np.float32)
    if clamp:
        # Beyond the left and right border OpenCV puts all weight on one pixel; above and below it does not, which is
        # the same but for the rounding of two weights.
        weight[(first < 0) | (first >= length - 1)] = 0
    one, two = (np.rint(part * _ONE).astype(np.int32) for part in (1 - weight, weight))
    return np.clip(first, 0, length - 1), np.clip(first + 1, 0, length - 1), one, two

"""Made-up inputs to try programs with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# 384 is 12 * 32: at the strides of networks, pooling to 2, 3, 4, 6 or 8 fields divides it, and a session may keep what
# it chose for that. The other two sizes are such that this choice would be wrong for them, at one of them for each.
_SHAPES = ((1, 3, 384, 384), (1, 3, 80, 136), (2, 3, 65, 97))


def trial_shapes(declared: Sequence[int] | None) -> list[tuple[int, ...]]:
    """Returns the shapes of input to try a program with, with the sides that it fixes.

    Args:
        declared: Shape of its input, -1 where any size goes; None where that is not known.
    """
    if declared is None or len(declared) != 4:
        return list(_SHAPES)
    tried = (
        tuple(fixed if fixed > 0 else side for fixed, side in zip(declared, shape, strict=True)) for shape in _SHAPES
    )
    return list(dict.fromkeys(tried))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns a batch (N, C, H, W) float32 in -1..1, smooth like pictures: means over its parts differ."""
    count, channels, height, width = shape
    coarse = rng.uniform(-1, 1, (count, channels, height // 8 + 2, width // 8 + 2))
    fine = coarse.repeat(8, 2).repeat(8, 3)[:, :, 4 : 4 + height, 4 : 4 + width]
    return np.clip(fine + rng.normal(0, 0.1, fine.shape), -1, 1).astype(np.float32)


def made_up_picture() -> NDArray[np.uint8]:
    """Returns a picture of nothing, the same every time: colour ramps, two blocks and noise.

    Returns:
        (180, 320, 3) RGB uint8.
    """
    rows, columns = np.mgrid[0:180, 0:320]
    image = np.stack([rows * 255 // 179, columns * 255 // 319, 255 - rows * 255 // 179], axis=2)
    image[100:170, 40:140] = (70, 70, 80)
    image[60:150, 200:240] = (180, 40, 40)
    noise = np.random.Generator(np.random.PCG64(0)).integers(-12, 13, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)

"""How far two outputs of one program give the same mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.engine import Precision
from zoo.segment.upsample import upsample_argmax

#: Smallest share of pixels with the reference's class, where the user gives none.
LEAST: dict[Precision, float] = {"float32": 0.9999, "bf16": 0.995, "int8": 0.995}
# Engines add numbers in different orders, so logits that differ by less than this share of their spread are equal.
# Measured between paddle, OpenVINO and onnxruntime: 9e-6 for 16 of 18 networks; 6.7e-5 and 1.8e-4 for the two largest
# SeaFormer, where no class differed.
_TIE = 1e-4


def agreement(found: NDArray[Any], expected: NDArray[Any], stride: int, threshold: float = 0.0) -> float:
    """Returns the share of pixels that have the same class, or another that is as good by the reference's logits.

    Args:
        found: What an engine returned: logits (N, C, h, w) float, or labels (N, H, W) whole numbers.
        expected: The same from the reference.
        stride: Pixels of mask per pixel of logits.
        threshold: Where the two classes of one channel part, as of a `Program`.

    Returns:
        0 to 1; 0 where the shapes differ.
    """
    if found.shape != expected.shape:
        return 0.0
    if found.ndim != 4 or expected.dtype.kind != "f":
        return float((found == expected).mean())
    if expected.shape[1] == 1:
        found, expected = _two_classes(found, threshold), _two_classes(expected, threshold)
    wrong = sum(_wrong(ours, theirs, stride) for ours, theirs in zip(_floats(found), _floats(expected), strict=True))
    return 1 - wrong / (len(found) * found.shape[2] * found.shape[3] * stride * stride)


def _two_classes(output: NDArray[Any], threshold: float) -> NDArray[Any]:
    return np.concatenate([np.full_like(output, threshold), output], axis=1)


def _floats(output: NDArray[Any]) -> NDArray[np.float32]:
    return output.astype(np.float32, copy=False)


def _wrong(found: NDArray[np.float32], expected: NDArray[np.float32], stride: int) -> int:
    """Counts the pixels whose class is another than the reference's, and not as good there."""
    height, width = expected.shape[1] * stride, expected.shape[2] * stride
    ours, theirs = (upsample_argmax(logits, (height, width)) for logits in (found, expected))
    rows, columns = np.nonzero(ours != theirs)
    best, chosen = (_at(expected, labels[rows, columns], rows, columns, stride) for labels in (theirs, ours))
    return int(np.count_nonzero(best - chosen > _TIE * np.ptp(expected)))


def _at(
    logits: NDArray[np.float32], labels: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp], stride: int
) -> NDArray[np.float64]:
    """Returns the bilinear logits (n,) of a class each at pixels, with half-pixel centres."""
    places = [
        np.clip((at + 0.5) / stride - 0.5, 0, side - 1)
        for at, side in zip((rows, columns), logits.shape[1:], strict=True)
    ]
    low = [np.floor(place).astype(np.intp) for place in places]
    high = [np.minimum(corner + 1, side - 1) for corner, side in zip(low, logits.shape[1:], strict=True)]
    down, across = (place - corner for place, corner in zip(places, low, strict=True))
    top = logits[labels, low[0], low[1]] * (1 - across) + logits[labels, low[0], high[1]] * across
    bottom = logits[labels, high[0], low[1]] * (1 - across) + logits[labels, high[0], high[1]] * across
    return top * (1 - down) + bottom * down

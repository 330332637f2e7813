"""Preprocessing: a picture -> the network's input, and the geometry that leads back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong, ResizeShort, Step
from zoo.errors import PluginContractError
from zoo.segment.opencv import resize_linear


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a picture lies in the network's input.

    Attributes:
        source: (height, width) of the picture.
        resized: (height, width) it has in the input, without padding.
        padded: (height, width) of the input.
    """

    source: tuple[int, int]
    resized: tuple[int, int]
    padded: tuple[int, int]

    def reach(self, grid: tuple[int, ...]) -> tuple[Fraction, Fraction]:
        """Returns how many of a (height, width) of logits over the input lie over the picture, without the padding."""
        rows, columns = (
            Fraction(count * inside, whole)
            for count, inside, whole in zip(grid, self.resized, self.padded, strict=True)
        )
        return rows, columns


def preprocess(image: NDArray[np.uint8], steps: Sequence[Step]) -> tuple[NDArray[np.float32], Geometry]:
    """Applies the steps of a card.

    Args:
        image: (H, W, 3) RGB uint8; not modified.
        steps: Resizing and padding in any order, Normalize last.

    Returns:
        The input (3, h, w) float32 and its geometry.

    Raises:
        PluginContractError: Normalize is missing, not the last step, or not for three channels.
    """
    if not steps or not isinstance(steps[-1], Normalize) or not len(steps[-1].mean) == len(steps[-1].std) == 3:
        raise PluginContractError(
            "The preprocessing {steps} does not end with Normalize of three channels.",
            "Correct the card or the settings file of this model.",
            steps=[type(step).__name__ for step in steps],
        )
    geometry = geometry_of((image.shape[0], image.shape[1]), steps)
    for step in steps[:-1]:
        image = _apply(image, step)
    return _normalize(image, steps[-1]), geometry


def geometry_of(size: tuple[int, int], steps: Sequence[Step]) -> Geometry:
    """Says how `preprocess` lays a picture of this (height, width) into the input, without doing it."""
    geometry = Geometry(size, size, size)
    for step in steps:
        geometry = _placed(geometry, step)
    return geometry


def _placed(geometry: Geometry, step: Step) -> Geometry:
    height, width = geometry.padded
    if isinstance(step, Pad):
        return replace(geometry, padded=(_ceil(height, step.multiple), _ceil(width, step.multiple)))
    if isinstance(step, Normalize):
        return geometry
    size = _target(step, height, width)
    return replace(geometry, resized=size, padded=size)


def _apply(image: NDArray[np.uint8], step: Step) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if isinstance(step, Pad):
        below, right = -height % step.multiple, -width % step.multiple
        value = round(step.value)
        return np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=value) if below or right else image
    if isinstance(step, Normalize):
        raise PluginContractError("Normalize stands before another step.", "Put it last in the card of this model.")
    size = _target(step, height, width)
    return _resize(image, size, antialias=step.antialias if isinstance(step, Resize) else True)


def _target(step: Resize | ResizeShort | ResizeLong, height: int, width: int) -> tuple[int, int]:
    if isinstance(step, Resize):
        target = step.size
        if step.keep_ratio:
            factor = min(max(step.size) / max(height, width), min(step.size) / min(height, width))
            target = (max(1, round(height * factor)), max(1, round(width * factor)))
        return (_ceil(target[0], step.multiple), _ceil(target[1], step.multiple))
    side = min(height, width) if isinstance(step, ResizeShort) else max(height, width)
    factor = step.size / side
    return (max(1, round(height * factor)), max(1, round(width * factor)))


def _ceil(value: int, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple


def _resize(image: NDArray[np.uint8], size: tuple[int, int], antialias: bool) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if size == (height, width):
        return image
    if not antialias:
        return resize_linear(image, size)
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _normalize(image: NDArray[np.uint8], step: Normalize) -> NDArray[np.float32]:
    # 256 possible values a channel: a table is faster than arithmetic on every pixel.
    values = np.arange(256, dtype=np.float32) / np.float32(255.0)
    out = np.empty((image.shape[2], *image.shape[:2]), np.float32)
    for channel, (mean, std) in enumerate(zip(step.mean, step.std, strict=True)):
        table = (values - np.float32(mean)) / np.float32(std)
        # A byte is always within the table; with the usual mode numpy would copy the result once more.
        np.take(table, image[:, :, channel], out=out[channel], mode="clip")
    return out

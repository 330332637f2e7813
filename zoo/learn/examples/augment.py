"""Random scale, flip, colours and crop of one labelled picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from zoo.contract.recipe import Augmentation

_Image = NDArray[np.uint8]
_Mask = NDArray[np.uint8 | np.uint16]


def augment(
    image: _Image,
    mask: _Mask,
    settings: Augmentation,
    crop: tuple[int, int],
    ignore_index: int,
    rng: np.random.Generator,
) -> tuple[_Image, _Mask]:
    """Makes one training example.

    Args:
        image: (H, W, 3) RGB uint8; not modified.
        mask: (H, W) uint8 or uint16; not modified.
        settings: What may happen to the picture.
        crop: (height, width) of the result.
        ignore_index: Value of padded mask pixels.
        rng: Source of all randomness, so that an example can be made again.

    Returns:
        The image (crop height, crop width, 3) uint8 and the mask (crop height, crop width) as it was given.
    """
    picture, labels = _scale(image, mask, _factor(settings, rng))
    if rng.random() < settings.flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        labels = labels.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhancer, strength, probability in (
        (ImageEnhance.Brightness, settings.brightness, settings.brightness_probability),
        (ImageEnhance.Contrast, settings.contrast, settings.contrast_probability),
        (ImageEnhance.Color, settings.saturation, settings.saturation_probability),
    ):
        if strength and _happens(probability, rng):
            picture = enhancer(picture).enhance(rng.uniform(1 - strength, 1 + strength))
    if settings.hue and _happens(settings.hue_probability, rng):
        picture = _turn_hue(picture, rng.uniform(-settings.hue, settings.hue))
    return _crop(np.asarray(picture), np.asarray(labels), crop, ignore_index, rng)


def _happens(probability: float, rng: np.random.Generator) -> bool:
    return probability == 1 or rng.random() < probability


def _factor(settings: Augmentation, rng: np.random.Generator) -> float:
    smallest, largest = settings.scale
    if not settings.scale_step:
        return rng.uniform(smallest, largest)
    # The small number keeps the largest factor where the division falls just short of a whole number.
    steps = int((largest - smallest) / settings.scale_step + 1e-6)
    return smallest + settings.scale_step * int(rng.integers(steps + 1))


def _turn_hue(picture: Image.Image, degrees: float) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    turn = round(degrees / 360 * 256)
    turned = hue.point([(level + turn) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def _scale(image: _Image, mask: _Mask, factor: float) -> tuple[Image.Image, Image.Image]:
    height, width = mask.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return (
        Image.fromarray(image).resize(size, Image.Resampling.BILINEAR),
        Image.fromarray(mask).resize(size, Image.Resampling.NEAREST),
    )


def _crop(
    image: _Image, mask: _Mask, crop: tuple[int, int], ignore_index: int, rng: np.random.Generator
) -> tuple[_Image, _Mask]:
    below, right = max(0, crop[0] - mask.shape[0]), max(0, crop[1] - mask.shape[1])
    if below or right:
        image = np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=127)
        mask = np.pad(mask, ((0, below), (0, right)), constant_values=ignore_index)
    top = int(rng.integers(mask.shape[0] - crop[0] + 1))
    left = int(rng.integers(mask.shape[1] - crop[1] + 1))
    window = np.s_[top : top + crop[0], left : left + crop[1]]
    return image[window], mask[window]

"""Preprocessing, and the way back to the size of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong, ResizeShort
from zoo.errors import PluginContractError
from zoo.segment.transforms import preprocess

RNG = np.random.default_rng(0)


def test_normalize_is_x_over_255_minus_mean_over_std_per_channel() -> None:
    image = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    before = image.copy()
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    tensor, geometry = preprocess(image, [Normalize(mean, std)])
    expected = ((image / 255 - mean) / std).transpose(2, 0, 1)
    np.testing.assert_allclose(tensor, expected, atol=1e-6)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert geometry.source == geometry.resized == geometry.padded == (5, 7)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Resize((64, 32)), (64, 32)),
        (Resize((64, 64), keep_ratio=True), (32, 64)),
        (Resize((30, 100), keep_ratio=True), (30, 60)),
        (Resize((100, 30), keep_ratio=True), (30, 60)),
        (Resize((50, 70), multiple=32), (64, 96)),
        (ResizeShort(10), (10, 20)),
        (ResizeLong(10), (5, 10)),
        (Resize((40, 80), antialias=False), (40, 80)),
    ],
)
def test_resizing_gives_the_stated_size(step, expected) -> None:
    image = RNG.integers(0, 256, (20, 40, 3), np.uint8)
    tensor, geometry = preprocess(image, [step, Normalize()])
    assert tensor.shape == (3, *expected)
    assert (geometry.source, geometry.resized, geometry.padded) == ((20, 40), expected, expected)


def test_padding_is_below_and_right_and_known_to_the_geometry() -> None:
    image = RNG.integers(0, 256, (20, 33, 3), np.uint8)
    tensor, geometry = preprocess(image, [Pad(16, value=0), Normalize((0, 0, 0), (1, 1, 1))])
    assert tensor.shape == (3, 32, 48)
    assert (geometry.resized, geometry.padded) == ((20, 33), (32, 48))
    np.testing.assert_allclose(tensor[:, :20, :33], image.transpose(2, 0, 1) / 255, atol=1e-6)
    assert not tensor[:, 20:].any()
    assert not tensor[:, :, 33:].any()


def test_resizing_without_antialias_samples_between_four_pixels() -> None:
    # Half-pixel centres: the new pixel 1 of 4 from 8 lies at 2.5, between the old pixels 2 and 3.
    row = np.arange(0, 240, 30, dtype=np.uint8)
    image = np.repeat(np.repeat(row[None, :, None], 4, 0), 3, 2)
    tensor, _ = preprocess(image, [Resize((4, 4), antialias=False), Normalize((0, 0, 0), (1, 1, 1))])
    np.testing.assert_allclose(tensor[0, 0] * 255, [15, 75, 135, 195], atol=1)


def test_a_picture_of_one_pixel_survives_every_step() -> None:
    image = np.full((1, 1, 3), 255, np.uint8)
    for step in (Resize((32, 32)), ResizeLong(64), Pad(32), Resize((8, 8), antialias=False)):
        tensor, _ = preprocess(image, [step, Normalize()])
        assert tensor[0, 0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("steps", [[], [Resize((8, 8))], [Normalize(), Pad(8)], [Normalize(), Normalize()]])
def test_normalize_must_be_the_last_and_only_one(steps) -> None:
    with pytest.raises(PluginContractError, match="Normalize"):
        preprocess(np.zeros((4, 4, 3), np.uint8), steps)

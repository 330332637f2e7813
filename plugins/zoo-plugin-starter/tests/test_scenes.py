"""Procedural street scenes: what their users rely on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from scenes import CLASSES, Scene, draw_scene

SEEDS = range(16)
SMALL = (90, 120)


@cache
def small_scene(seed: int) -> Scene:
    return draw_scene(seed, *SMALL)


def test_class_order_is_that_of_camvid() -> None:
    names = "sky building pole road pavement tree sign_symbol fence car pedestrian bicyclist"
    assert tuple(names.split()) == CLASSES


def test_default_scene_is_a_camvid_sized_photograph() -> None:
    scene = draw_scene(0)
    assert scene.image.shape == (360, 480, 3)
    assert scene.mask.shape == (360, 480)
    assert scene.image.dtype == scene.mask.dtype == np.uint8
    assert scene.mask.max() < len(CLASSES)
    assert scene.image.std() > 20


def test_same_seed_gives_same_arrays_whatever_the_global_random_state() -> None:
    np.random.seed(1)
    again = draw_scene(3, *SMALL)
    assert np.array_equal(again.image, small_scene(3).image)
    assert np.array_equal(again.mask, small_scene(3).mask)


def test_other_seed_gives_another_scene() -> None:
    assert (small_scene(1).mask != small_scene(2).mask).mean() > 0.05
    assert not np.array_equal(small_scene(1).image, small_scene(2).image)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 97), (160, 60), (61, 201)])
def test_any_size_from_32_works(height: int, width: int) -> None:
    scene = draw_scene(5, height, width)
    assert scene.image.shape == (height, width, 3)
    assert scene.mask.shape == (height, width)
    assert scene.mask.max() < len(CLASSES)


@pytest.mark.parametrize(("height", "width"), [(31, 480), (360, 31), (0, 0), (-40, 50)])
def test_too_small_a_size_is_refused(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"at least 32x32 pixels, got height {height}, width {width}"):
        draw_scene(0, height, width)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        draw_scene(-1)


def test_class_frequencies_are_those_of_a_street() -> None:
    counts = sum(np.bincount(small_scene(seed).mask.ravel(), minlength=len(CLASSES)) for seed in SEEDS)
    share: dict[str, float] = dict(zip(CLASSES, 100 * counts / np.sum(counts), strict=True))
    bounds: dict[str, tuple[float, float]] = {
        "sky": (10, 26),
        "building": (15, 32),
        "pole": (0.5, 3),
        "road": (24, 40),
        "pavement": (4, 12),
        "tree": (4, 16),
        "sign_symbol": (0.5, 3),
        "fence": (0.5, 4),
        "car": (2, 9),
        "pedestrian": (0.5, 3),
        "bicyclist": (0.5, 3),
    }
    outside = {name: share[name] for name, (low, high) in bounds.items() if not low <= share[name] <= high}
    assert not outside


def test_every_class_is_seen_within_a_few_seeds() -> None:
    seen = set(np.concatenate([small_scene(seed).mask.ravel() for seed in range(5)]).tolist())
    assert seen == set(range(len(CLASSES)))


def test_picture_and_mask_show_the_same_outlines() -> None:
    """Where the mask changes class, the picture changes brightness more than elsewhere."""
    for seed in (0, 2, 3):
        scene = draw_scene(seed)
        step = np.abs(np.diff(scene.image.astype(np.int16).mean(axis=2), axis=1))
        outline = np.diff(scene.mask.astype(np.int16), axis=1) != 0
        shifted = np.roll(outline, 6, axis=1) & ~outline
        assert step[outline].mean() > 2 * step[shifted].mean()
        assert step[outline].mean() > 3 * step[~outline].mean()


def test_sky_is_above_and_road_below() -> None:
    for seed in SEEDS:
        mask = small_scene(seed).mask
        rows = np.arange(SMALL[0])[:, None] * np.ones(SMALL[1])
        assert rows[mask == CLASSES.index("road")].mean() > rows[mask == CLASSES.index("sky")].mean() + SMALL[0] / 4

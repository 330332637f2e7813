"""Scores: exact, bounded in memory, band by band; test-time augmentation on the same interpolation."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from support import interpolate
from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong
from zoo.errors import BundleError, ConfigError, InferenceError
from zoo.segment import scores
from zoo.segment.band import Band, rows_within
from zoo.segment.label_map import label_map
from zoo.segment.scores import score_kind, winning_scores
from zoo.segment.transforms import Geometry, preprocess
from zoo.segment.upsample import upsample_argmax
from zoo.segment.views import View, mean_over_views, views_of
from zoo.store import find_bundle

lengths = st.integers(1, 12)
sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def bundle():
    """A bundle of output stride 8 whose preprocessing keeps the size of the picture."""
    return dataclasses.replace(find_bundle("starter"), preprocess=(Normalize(),))


def softmax(full: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = np.exp(full - full.max(axis=0))
    return terms / terms.sum(axis=0)


def draw(seed: int, *shape: int, spread: float = 4) -> NDArray[np.float32]:
    return (spread * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


@settings(max_examples=120, deadline=None)
@given(seeds, st.integers(1, 20), lengths, lengths, sizes)
def test_scores_are_the_highest_softmax_of_the_upsampled_logits(seed, classes, height, width, size):
    logits = draw(seed, classes, height, width)
    np.testing.assert_allclose(
        winning_scores(logits, size), softmax(interpolate(logits, size)).max(axis=0), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(
    ("low", "size"),
    [((19, 32, 64), (256, 512)), ((150, 32, 32), (256, 256)), ((19, 17, 33), (129, 257)), ((7, 2, 3), (300, 200))],
)
@pytest.mark.parametrize("offset", [0, 1000])
def test_scores_are_exact_at_the_scales_networks_have(low, size, offset):
    logits = draw(3, *low) + np.float32(offset)
    expected = softmax(interpolate(logits, size)).max(axis=0)
    assert np.abs(winning_scores(logits, size) - expected).max() < 1e-6


def test_scores_belong_to_the_labels():
    logits, size = draw(1, 9, 12, 20), (96, 160)
    labels, best = upsample_argmax(logits, size), winning_scores(logits, size)
    full = softmax(interpolate(logits, size))
    assert np.abs(np.take_along_axis(full, labels[None].astype(int), axis=0)[0] - best).max() < 1e-6


@pytest.mark.parametrize("classes", [1, 2, 300])
def test_equal_logits_share_the_probability_equally(classes):
    np.testing.assert_allclose(winning_scores(np.zeros((classes, 3, 4), np.float32), (24, 31)), 1 / classes, rtol=1e-6)


def test_huge_logits_leave_no_doubt():
    logits = np.zeros((3, 2, 2), np.float32)
    logits[0, :, 0], logits[2, :, 1] = 1e38, -1e38
    best = winning_scores(logits, (16, 16))
    assert best.min() >= 0.5
    np.testing.assert_array_equal(best[:, 0], 1)


def test_a_network_that_returns_no_numbers_has_no_scores():
    with pytest.raises(InferenceError, match="NaN in 12 of 12"):
        winning_scores(np.full((3, 2, 2), np.nan, np.float32), (8, 8))


def test_probabilities_are_interpolated_as_they_are():
    shares = softmax(draw(5, 6, 7, 9).astype(np.float64)).astype(np.float32)
    expected = interpolate(shares, (50, 40)).max(axis=0)
    np.testing.assert_allclose(winning_scores(shares, (50, 40), kind="probabilities"), expected, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 5), st.integers(1, 20), st.integers(1, 70), st.data())
def test_bands_of_rows_are_the_rows_of_the_whole(seed, classes, height, rows, data):
    logits, size = draw(seed, classes, height, 5), (rows, 13)
    whole, best = upsample_argmax(logits, size), winning_scores(logits, size)
    cuts = sorted(data.draw(st.sets(st.integers(1, height), max_size=4)) | {height})
    start = first = 0
    for known in cuts:
        stop = rows_within(known, height, rows)
        if stop > start:
            band = Band(start, stop, first, height)
            at_hand = logits[:, first:known]
            np.testing.assert_array_equal(upsample_argmax(at_hand, size, band), whole[start:stop])
            np.testing.assert_array_equal(winning_scores(at_hand, size, band), best[start:stop])
            start = stop
        first = known - 1
    assert start == rows


@pytest.mark.parametrize("band", [Band(0, 9, 0, 4), Band(4, 4, 0, 4), Band(0, 5, 1, 4), Band(0, 8, 0, 5)])
def test_a_band_needs_its_logits(band):
    with pytest.raises(ValueError, match="rows of logits"):
        upsample_argmax(draw(0, 3, 3 if band.first else 4, 4), (8, 8), band)


def test_scores_do_not_depend_on_the_chunks(monkeypatch):
    logits, size = draw(2, 19, 20, 30), (155, 240)
    expected = winning_scores(logits, size)
    for elements in (1, 700, 1 << 24):
        monkeypatch.setattr(scores, "_CHUNK_ELEMENTS", elements)
        np.testing.assert_allclose(winning_scores(logits, size), expected, atol=2e-7)


def test_working_memory_does_not_hold_all_classes():
    logits = draw(5, 150, 64, 64)
    tracemalloc.start()
    best = winning_scores(logits, (512, 512))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All upsampled logits are 157 MB.
    assert peak < best.nbytes + 2 * logits.nbytes + 4e6


def test_scores_of_a_padded_picture_follow_its_labels(bundle):
    logits = draw(8, 7, 8, 12)
    geometry = Geometry(source=(57, 91), resized=(57, 91), padded=(64, 96))
    labels, best = label_map(logits, geometry, bundle, scores=True)
    full = softmax(interpolate(logits, (64, 96)))[:, :57, :91]
    np.testing.assert_array_equal(labels, full.argmax(axis=0))
    np.testing.assert_allclose(best, full.max(axis=0), atol=1e-6)
    assert label_map(logits, geometry, bundle)[1] is None


def test_scores_of_a_resized_picture_are_evaluated_at_its_own_size(bundle):
    logits = draw(9, 7, 8, 12)
    geometry = Geometry(source=(201, 300), resized=(64, 96), padded=(64, 96))
    labels, best = label_map(logits, geometry, bundle, scores=True)
    full = softmax(interpolate(logits, (201, 300)))
    assert np.mean(labels == full.argmax(axis=0)) > 0.9999
    np.testing.assert_allclose(best, full.max(axis=0), atol=1e-6)


def test_foreign_probabilities_are_not_put_through_softmax_again(bundle):
    foreign = dataclasses.replace(bundle, output="scores", output_stride=1)
    shares = softmax(draw(4, 5, 16, 24).astype(np.float64)).astype(np.float32)
    geometry = Geometry((16, 24), (16, 24), (16, 24))
    labels, best = label_map(shares, geometry, foreign, scores=True)
    np.testing.assert_array_equal(labels, shares.argmax(axis=0))
    np.testing.assert_allclose(best, shares.max(axis=0), atol=1e-7)


@pytest.mark.parametrize(("output", "said"), [("labels", "labels alone"), ("unstated", "does not say")])
def test_programs_that_say_nothing_of_scores_have_none(bundle, output, said):
    foreign = dataclasses.replace(bundle, output=output)
    with pytest.raises(BundleError, match=said) as caught:
        score_kind(foreign)
    assert "Export" in caught.value.hint


def blocks(picture, steps):
    """A small network in numpy: seven linear mixtures of the mean colour of each block of eight pixels."""
    tensor, geometry = preprocess(picture, steps)
    _, height, width = tensor.shape
    filled = np.pad(tensor, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")
    means = filled.reshape(3, -(-height // 8), 8, -(-width // 8), 8).mean(axis=(2, 4))
    weights = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32) * 6
    return np.tensordot(weights, means - means.mean(), axes=1).astype(np.float32), geometry


STEPS = [
    (Normalize(),),
    (Pad(32), Normalize()),
    (ResizeLong(96), Normalize()),
    (Resize((64, 64), keep_ratio=True, multiple=16, antialias=False), Normalize()),
]


def averaged(picture, steps, flip=False, scales=(1.0,)):
    """Labels and scores of a picture, averaged over its views."""
    views, size = views_of(flip, scales) or (View(),), picture.shape[:2]
    evaluated = [blocks(view.of(picture, steps), view.sized(size, steps)[1]) for view in views]
    return mean_over_views(evaluated, views, size, scores=True)


@pytest.mark.parametrize("steps", STEPS)
def test_the_mean_over_one_view_as_it_is_is_the_plain_evaluation(bundle, picture, steps):
    plain, best = label_map(*blocks(picture, steps), dataclasses.replace(bundle, preprocess=steps), scores=True)
    labels, found = averaged(picture, steps)
    assert np.mean(labels == plain) > 0.9999
    if steps[0] == Normalize():
        np.testing.assert_allclose(found, best, atol=2e-6)
    # A picture as it is needs no mean.
    assert views_of(False, (1.0,)) == ()


@pytest.mark.parametrize("steps", STEPS)
def test_views_are_averaged_as_probabilities_at_full_size(picture, steps):
    size = picture.shape[:2]

    def view(image):
        logits, geometry = blocks(image, steps)
        # Between the picture's own pixels and the padded input's logits lies one linear map.
        full = interpolate(logits, geometry.padded)[:, : geometry.resized[0], : geometry.resized[1]]
        return softmax(full if geometry.resized == size else interpolate(logits, size))

    mean = (view(picture) + view(picture[:, ::-1])[:, :, ::-1]) / 2
    labels, best = averaged(picture, steps, True)
    np.testing.assert_allclose(best, mean.max(axis=0), atol=2e-6)
    assert np.mean(labels == mean.argmax(axis=0)) > 0.9999


@pytest.mark.parametrize("steps", STEPS)
def test_mirroring_a_picture_mirrors_its_flipped_average(picture, steps):
    labels, best = averaged(picture, steps, True, (0.5, 1.5))
    mirrored, found = averaged(picture[:, ::-1], steps, True, (0.5, 1.5))
    np.testing.assert_allclose(found[:, ::-1], best, atol=1e-5)
    assert np.mean(mirrored[:, ::-1] == labels) > 0.999
    assert labels.shape == picture.shape[:2]


def test_scales_are_factors_of_what_the_preprocessing_gives(picture):
    seen = [
        blocks(view.of(picture, steps), view.sized(picture.shape[:2], steps)[1])[1].padded
        for steps in (STEPS[2], STEPS[3])
        for view in views_of(False, (1.0, 0.5, 1.25))
    ]
    # 120x168 -> 69x96 -> 34x48, 86x120; and 64x64 with its ratio -> 48x64 -> 24x32 up to multiples of 16, 60x80.
    assert seen == [(69, 96), (34, 48), (86, 120), (48, 64), (32, 32), (64, 80)]


def test_a_scale_that_makes_too_many_pixels_is_an_error():
    with pytest.raises(ConfigError, match="6400x25600"):
        View(64.0).sized((100, 400), (Normalize(),))

"""Label maps from low-resolution logits: exact, bounded in memory, loud on NaN."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from support import interpolate
from zoo.errors import InferenceError
from zoo.segment import upsample
from zoo.segment.upsample import resize_labels, upsample_argmax

lengths = st.integers(1, 12)
sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))
seeds = st.integers(0, 2**32 - 1)


def assert_labels_are_the_argmax_of(full: NDArray[np.floating], labels: NDArray[np.integer], gap: float) -> None:
    """Labels must be the winners; where they are not, they must have lost by less than `gap`."""
    assert labels.shape == full.shape[1:]
    loss = full.max(axis=0) - np.take_along_axis(full, labels[None].astype(np.intp), axis=0)[0]
    assert loss.max() < gap
    wrong = labels != full.argmax(axis=0)
    if len(full) > 1:
        second, first = np.partition(full, -2, axis=0)[-2:]
        assert np.all((first - second)[wrong] < gap)


def noisy(seed: int, classes: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(classes, height, width)).astype(np.float32)


def smooth(seed: int, classes: int, height: int, width: int) -> NDArray[np.float32]:
    """Large areas of one class with soft borders: most cells have one winner."""
    coarse = noisy(seed, classes, max(1, height // 4), max(1, width // 4))
    return interpolate(coarse, (height, width)).astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(1, 9), lengths, lengths, sizes, st.sampled_from([noisy, smooth]))
def test_labels_equal_the_full_evaluation_for_any_sizes(seed, classes, height, width, size, draw):
    logits = draw(seed, classes, height, width)
    assert_labels_are_the_argmax_of(interpolate(logits, size), upsample_argmax(logits, size), gap=1e-5)


@pytest.mark.parametrize(
    ("low", "size"),
    [
        ((16, 32), (128, 256)),  # stride 8
        ((17, 33), (129, 257)),  # the input is one more than a multiple of the stride
        ((5, 5), (160, 160)),  # stride 32, cells longer than their limit
        ((7, 9), (21, 27)),  # an odd scale reads some logits as they are
        ((3, 2), (200, 333)),
        ((40, 40), (13, 7)),  # smaller than the logits
        ((1, 1), (37, 50)),
        ((1, 30), (64, 30)),
    ],
)
def test_labels_equal_the_full_evaluation_at_the_scales_networks_have(low, size):
    for draw in (noisy, smooth):
        logits = draw(7, 19, *low)
        assert_labels_are_the_argmax_of(interpolate(logits, size), upsample_argmax(logits, size), gap=1e-5)


def test_logits_at_full_size_give_their_plain_argmax():
    logits = np.round(noisy(3, 5, 40, 31))
    np.testing.assert_array_equal(upsample_argmax(logits, (40, 31)), logits.argmax(axis=0))


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 6), lengths, lengths, st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_exact_ties_go_to_the_lowest_class(seed, classes, height, width, scale):
    # Small integers, weights that are sums of powers of two: float32 is exact, so ties are ties and no gap is allowed.
    logits = np.random.default_rng(seed).integers(0, 3, (classes, height, width)).astype(np.float32)
    size = height * scale, width * scale
    np.testing.assert_array_equal(upsample_argmax(logits, size), interpolate(logits, size).argmax(axis=0))


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 6), lengths, lengths, sizes)
def test_a_copy_of_a_class_never_beats_the_class(seed, classes, height, width, size):
    logits = noisy(seed, classes, height, width)
    np.testing.assert_array_equal(
        upsample_argmax(np.concatenate([logits, logits]), size), upsample_argmax(logits, size)
    )


@pytest.mark.parametrize("value", [0.0, -3.25, 1e30])
def test_a_constant_picture_has_class_zero_everywhere(value):
    labels = upsample_argmax(np.full((19, 6, 9), value, np.float32), (43, 72))
    np.testing.assert_array_equal(labels, np.zeros((43, 72), np.uint8))


def test_a_single_class_is_class_zero():
    assert not upsample_argmax(noisy(0, 1, 4, 4), (30, 31)).any()


@pytest.mark.parametrize(("classes", "dtype"), [(256, np.uint8), (257, np.uint16), (700, np.uint16)])
def test_labels_are_as_small_as_the_classes_allow(classes, dtype):
    logits = noisy(1, classes, 4, 6)
    logits[-1, :, 3:] += 9
    labels = upsample_argmax(logits, (16, 24))
    assert labels.dtype == dtype
    assert labels.max() == classes - 1
    assert_labels_are_the_argmax_of(interpolate(logits, (16, 24)), labels, gap=1e-5)


def test_labels_do_not_depend_on_the_chunks(monkeypatch):
    logits, size = noisy(2, 19, 20, 30), (155, 240)
    expected = upsample_argmax(logits, size)
    for elements in (1, 5000, 1 << 24):
        monkeypatch.setattr(upsample, "_CHUNK_ELEMENTS", elements)
        np.testing.assert_array_equal(upsample_argmax(logits, size), expected)


def test_logits_keep_their_values_and_may_have_any_strides():
    logits = noisy(4, 9, 12, 10)
    view = np.asfortranarray(logits)[:, ::-1, ::2]
    view.flags.writeable = False
    np.testing.assert_array_equal(upsample_argmax(view, (96, 40)), upsample_argmax(view.copy(order="C"), (96, 40)))
    np.testing.assert_array_equal(logits, noisy(4, 9, 12, 10))


@pytest.mark.parametrize(
    ("low", "size"),
    [((150, 64, 64), (512, 512)), ((4, 2, 2), (2048, 2048)), ((64, 128, 128), (130, 130))],
)
def test_working_memory_stays_bounded_on_pure_noise(low, size):
    logits = noisy(5, *low)
    tracemalloc.start()
    labels = upsample_argmax(logits, size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Far below the 157 MB of the first case's upsampled logits.
    assert peak < 2 * labels.nbytes + logits.nbytes + 12e6


def test_labels_equal_paddle_interpolate_and_argmax():
    paddle = pytest.importorskip("paddle")
    for low, size in [((16, 32), (128, 256)), ((17, 33), (129, 257)), ((20, 20), (9, 11))]:
        logits = noisy(6, 19, *low)
        full = paddle.nn.functional.interpolate(
            paddle.to_tensor(logits, place="cpu")[None],
            size=list(size),
            mode="bilinear",
            align_corners=False,
            align_mode=0,
        )
        # paddle's source coordinates are float32, so its logits are a few 1e-6 off.
        assert_labels_are_the_argmax_of(full.numpy()[0], upsample_argmax(logits, size), gap=1e-4)


@pytest.mark.parametrize(
    ("value", "said"),
    [(np.nan, "returned NaN in 1 of 36 logits"), (np.inf, "infinite"), (-np.inf, "infinite"), (3e38, "beyond 1e38")],
)
def test_a_network_that_returns_no_numbers_is_an_error(value, said):
    logits = np.zeros((3, 3, 4), np.float32)
    logits[1, 2, 3] = value
    with pytest.raises(InferenceError, match=said) as caught:
        upsample_argmax(logits, (24, 32))
    assert "weights" in caught.value.hint


@pytest.mark.parametrize(
    ("logits", "size"),
    [
        (np.zeros((3, 4), np.float32), (8, 8)),
        (np.zeros((1, 3, 4, 4), np.float32), (8, 8)),
        (np.zeros((3, 4, 4), np.float64), (8, 8)),
        (np.zeros((0, 4, 4), np.float32), (8, 8)),
        (np.zeros((3, 4, 4), np.float32), (0, 8)),
        (np.zeros((65537, 1, 1), np.float32), (8, 8)),
    ],
)
def test_what_is_not_logits_or_not_a_size_is_a_value_error(logits, size):
    with pytest.raises(ValueError, match=r"logits (are|have)|a size is"):
        upsample_argmax(logits, size)


@settings(max_examples=80, deadline=None)
@given(seeds, sizes, sizes, st.sampled_from([np.uint8, np.uint16, np.int64]))
def test_resized_labels_are_the_nearest_labels(seed, of, to, dtype):
    mask = np.random.default_rng(seed).integers(0, 99, of).astype(dtype)
    resized = resize_labels(mask, to)
    assert resized.dtype == dtype
    assert resized.shape == to
    for y, x in [(0, 0), (to[0] - 1, to[1] - 1), (to[0] // 2, to[1] // 3)]:
        # floor(y * H0 / H), within a rounding error.
        rows = {min(int(y * (of[0] / to[0]) + d), of[0] - 1) for d in (-1e-9, 0, 1e-9)}
        columns = {min(int(x * (of[1] / to[1]) + d), of[1] - 1) for d in (-1e-9, 0, 1e-9)}
        assert resized[y, x] in {mask[row, column] for row in rows for column in columns}


def test_labels_of_the_wanted_size_are_returned_as_they_are():
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert resize_labels(mask, (3, 4)) is mask
    np.testing.assert_array_equal(resize_labels(mask, (6, 8))[::2, 1::2], mask)
    np.testing.assert_array_equal(resize_labels(mask, (1, 2)), [[0, 2]])


@pytest.mark.parametrize("mask", [np.zeros((3, 4)), np.zeros((3, 4, 1), np.uint8), np.zeros((0, 4), np.uint8)])
def test_what_is_not_a_label_map_is_a_value_error(mask):
    with pytest.raises(ValueError, match="a label map is"):
        resize_labels(mask, (8, 8))

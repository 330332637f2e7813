"""Arrays as pictures: which are taken, what becomes of their values, and what is said of the others."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from support import IMAGE
from zoo.errors import SourceError, UnsupportedSourceError
from zoo.picture.sources import SourceOptions, inputs

GREY = IMAGE[:, :, 0]
ALPHA = np.dstack([IMAGE, GREY[::-1]])
WIDE = IMAGE.astype(np.uint16) * 256 + 77


def read(array: object, **options: Any) -> NDArray[np.uint8]:
    (item,) = inputs(array, SourceOptions(**options))
    return item.read()


def laid_out(array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The same values in other layouts of memory."""
    frozen = array.copy()
    frozen.flags.writeable = False
    wide = np.zeros([2 * side for side in array.shape], array.dtype)
    wide[tuple(slice(None, None, 2) for _ in array.shape)] = array
    return {
        "plain": array,
        "fortran": np.asfortranarray(array),
        "read-only": frozen,
        "strided": wide[tuple(slice(None, None, 2) for _ in array.shape)],
        "negative strides": np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1],
        "axes moved": np.ascontiguousarray(np.moveaxis(array, -1, 0)).transpose(*range(1, array.ndim), 0),
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "subclass": array.view(type("Named", (np.ndarray,), {})),
    }


@pytest.mark.parametrize("layout", list(laid_out(IMAGE)))
@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGE, IMAGE),
        (GREY, np.dstack([GREY] * 3)),
        (GREY[:, :, None], np.dstack([GREY] * 3)),
        (ALPHA, IMAGE),
        (WIDE, IMAGE),
        (np.dstack([WIDE, WIDE[:, :, 1]]), IMAGE),
        (IMAGE / 255, IMAGE),
        ((GREY / 255).astype(np.float32), np.dstack([GREY] * 3)),
        ((ALPHA / 255).astype(np.float16), IMAGE),
        ((IMAGE / 255).astype(np.longdouble), IMAGE),
        (IMAGE > 99, (IMAGE > 99) * np.uint8(255)),
    ],
    ids=lambda value: f"{value.dtype} {value.shape[2:]}" if isinstance(value, np.ndarray) else "",
)
def test_every_accepted_array_of_any_memory_layout_equals_its_plain_twin_and_stays_as_it_is(
    array: NDArray[Any], expected: NDArray[np.uint8], layout: str
) -> None:
    array = laid_out(array)[layout]
    before = (array.copy(), array.strides, array.flags.writeable)
    image = read(array)
    assert type(image) is np.ndarray
    assert (image.dtype, image.flags.c_contiguous) == (np.uint8, True)
    assert np.array_equal(image, expected)
    assert np.array_equal(array, before[0])
    assert (array.strides, array.flags.writeable) == before[1:]


@pytest.mark.parametrize("array", [IMAGE, ALPHA, WIDE, IMAGE / 255, IMAGE > 9, GREY, GREY[:, :, None]])
def test_bgr_arrays_equal_the_rgb_ones_with_their_channels_turned(array: NDArray[Any]) -> None:
    turned = array if array.ndim == 2 or array.shape[2] == 1 else array[:, :, [2, 1, 0, 3][: array.shape[2]]]
    assert np.array_equal(read(turned, color="bgr"), read(array))


def test_color_concerns_arrays_only() -> None:
    from PIL import Image

    assert np.array_equal(read(Image.fromarray(IMAGE), color="bgr"), IMAGE)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(arrays.arrays(st.sampled_from([np.float16, np.float32, np.float64]), (3, 4), elements=st.floats(0, 1, width=16)))
def test_float_values_become_the_nearest_of_256_steps(array: NDArray[Any]) -> None:
    image = read(array)[:, :, 0]
    assert np.abs(image / 255 - array.astype(float)).max() <= 0.5 / 255 + 1e-6


NAN = np.full((5, 7, 3), np.nan)
HALF = np.full((5, 7, 3), 0.5)
HOLE = np.where(np.arange(105).reshape(5, 7, 3) == 4, np.inf, HALF)


@pytest.mark.parametrize(
    ("array", "fact", "fix"),
    [
        (NAN, r"dtype float64 with 105 NaN or infinite values", r"np\.nan_to_num"),
        (NAN.astype(np.float16), r"dtype float16 with 105 NaN", r"np\.nan_to_num"),
        (HOLE, r"dtype float64 with 1 NaN or infinite", r"np\.nan_to_num"),
        (-HOLE, r"dtype float64 with 1 NaN or infinite", r"np\.nan_to_num"),
        (IMAGE.astype(float), r"dtype float64 with values from \d+ to \d+", r"array\.round\(\)\.astype\(np\.uint8\)"),
        (HALF * 2.02, "with values from 1.01 to 1.01", "If they run from 0 to 255"),
        (HALF - 1, "with values from -0.5 to -0.5", r"np\.clip\(array, 0, 1\)"),
        (HALF * 1e6, "with values from 500000", r"np\.clip"),
        (IMAGE.astype(np.int64) * 3, "dtype int64", r"Bring the values to 0\.\.255"),
        (IMAGE.astype(np.int8), "dtype int8", r"Bring the values to 0\.\.255"),
        (IMAGE.astype(np.uint32), "dtype uint32", r"Bring the values to 0\.\.255"),
        (IMAGE.astype(object), "dtype object", "Convert the pixels"),
        (IMAGE.astype(complex), "dtype complex128", "Convert the pixels"),
        (IMAGE.astype(str), "dtype <U3", "Convert the pixels"),
        (np.ma.masked_equal(IMAGE, 3), "dtype uint8", r"array\.filled\(0\)"),
        (IMAGE.transpose(2, 0, 1), r"shape \(3, 5, 7\)", r"array\.transpose\(1, 2, 0\)"),
        (GREY[None], r"shape \(1, 5, 7\)", r"array\.transpose\(1, 2, 0\)"),
        (IMAGE.transpose(2, 0, 1).astype(int), r"shape \(3, 5, 7\) and dtype int64", r"transpose\(1, 2, 0\); then Br"),
        (np.stack([IMAGE, IMAGE]), r"shape \(2, 5, 7, 3\)", r"list\(array\)"),
        (IMAGE[:, :, :2], r"shape \(5, 7, 2\)", r"\(height, width, 3\)"),
        (np.zeros((6, 7, 5), np.uint8), r"shape \(6, 7, 5\)", r"\(height, width, 3\)"),
        (IMAGE[:0], r"shape \(0, 7, 3\)", "no pixels"),
        (np.zeros((5, 0)), r"shape \(5, 0\)", "no pixels"),
        (np.zeros((0, 5, 3), np.float32), r"shape \(0, 5, 3\) and dtype float32\.", "no pixels"),
        (np.arange(9, dtype=np.uint8), r"shape \(9,\)", r"\(height, width, 3\)"),
        (np.ones((), np.uint8), r"shape \(\)", r"\(height, width, 3\)"),
    ],
)
def test_other_arrays_are_refused_with_their_shape_dtype_and_the_fix(array: NDArray[Any], fact: str, fix: str) -> None:
    before = array.copy()
    with pytest.raises(UnsupportedSourceError, match=f"array_0001 is an array of .*{fact}") as caught:
        read(array)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    assert "Shape (height, width) or" in caught.value.message
    with pytest.raises(UnsupportedSourceError, match=fix):
        raise UnsupportedSourceError(caught.value.hint, "")
    assert np.array_equal(array, before, equal_nan=array.dtype.kind == "f")


def test_a_matrix_is_grey() -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(GREY)
    assert np.array_equal(read(matrix), np.dstack([GREY] * 3))


def test_nan_in_the_alpha_that_is_dropped_does_no_harm() -> None:
    array = ALPHA / 255
    array[:, :, 3] = np.nan
    assert np.array_equal(read(array), IMAGE)


def test_an_rgb_array_is_not_copied() -> None:
    tracemalloc.start()
    big = np.zeros((1000, 1000, 3), np.uint8)
    before = tracemalloc.get_traced_memory()[0]
    image = read(big)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert np.shares_memory(image, big)
    assert grown < 100_000


def test_an_array_that_does_not_fit_into_memory_is_a_source_error() -> None:
    endless = np.broadcast_to(np.uint8(0), (1 << 23, 1 << 23, 3))
    with pytest.raises(SourceError, match=r"shape \(8388608, 8388608, 3\).*not enough memory"):
        read(endless)

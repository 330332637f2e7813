"""What may be handed over as pictures, how it is named, and what a bad item does to the others."""

from __future__ import annotations

import io
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import DecodeError, SourceError, UnsupportedSourceError
from zoo.text import printable
from zoo.vision.sources import Input, inputs

IMAGE = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)


def png(image: NDArray[np.uint8] = IMAGE) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def error_of(item: Input) -> SourceError:
    with pytest.raises(SourceError) as caught:
        item.read()
    assert str(caught.value).count("\n") == 1
    return caught.value


def read_or_error(item: Input) -> object:
    try:
        return item.read()
    except SourceError as error:
        return error


def only(source: object) -> Input:
    (item,) = inputs(source)
    return item


def test_every_accepted_kind_gives_the_same_pixels_and_a_name_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "b.street.png"
    path.write_bytes(png())
    source = [
        IMAGE,
        str(path),
        (path, [Image.fromarray(IMAGE), (png(),)]),
        bytearray(png()),
        memoryview(png()),
        tmp_path,
    ]
    items = list(inputs(source))
    for item in items:
        assert np.array_equal(item.read(), IMAGE), item.name
    names = ["array_0001", "b.street", "b.street", "image_0004", "bytes_0005", "bytes_0006", "bytes_0007", "b.street"]
    assert [item.name for item in items] == names
    assert [item.uri for item in items] == [
        uri if (uri := name).endswith(tuple("0123456789")) else str(path) for name in names
    ]


def test_one_file_has_one_uri_however_it_is_spelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.png").write_bytes(png())
    assert {item.uri for item in inputs(["in/a.png", "./in/../in", tmp_path / "in"])} == {
        str(tmp_path / "in" / "a.png")
    }


def test_pictures_without_a_path_are_told_apart_by_their_pixels() -> None:
    first, again, other = inputs(
        [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)]
    )
    assert first.identify(first.read()).startswith("array_0001#")
    marks = [item.identify(item.read()).split("#")[1] for item in (first, again, other)]
    assert marks[0] == marks[1] != marks[2]


def test_a_folder_gives_its_pictures_by_name_and_the_log_counts_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("b.png", "a.JPG", "B.Png", "é.png", "10.png", "9.png", "no_suffix", "picture.txt"):
        (tmp_path / name).write_bytes(png())
    (tmp_path / "broken.png").write_bytes(b"<html>")
    for name in (".hidden.png", "._a.JPG", ".DS_Store", "notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"litter" if name != ".hidden.png" else png())
    (tmp_path / "deeper.png").mkdir()
    (tmp_path / "deeper.png" / "c.png").write_bytes(png())
    (tmp_path / "again").symlink_to(tmp_path)
    with caplog.at_level(logging.INFO, "zoo"):
        items = list(inputs(tmp_path))
    found = [os.path.basename(item.uri) for item in items]
    assert found == ["10.png", "9.png", "B.Png", "a.JPG", "b.png", "broken.png", "no_suffix", "picture.txt", "é.png"]
    assert caplog.messages == [
        f"{tmp_path}: 2 other files passed over, such as Thumbs.db, 2 sub-folders not entered, such as again"
    ]
    assert "broken.png is not a picture" in error_of(items[5]).message
    assert all(np.array_equal(item.read(), IMAGE) for item in items if item.name != "broken")


def test_links_and_pipes_in_a_folder_are_errors_of_their_own_and_block_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "good.png").write_bytes(png())
    (tmp_path / "link.png").symlink_to("good.png")
    outcome: dict[str, object] = {}

    def walk() -> None:
        for item in inputs(tmp_path):
            outcome[item.name] = read_or_error(item)

    thread = threading.Thread(target=walk, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert {name: type(value) for name, value in outcome.items()} == {
        "broken": DecodeError,
        "fifo": DecodeError,
        "good": np.ndarray,
        "link": np.ndarray,
        "loop": DecodeError,
        "zero": DecodeError,
    }


def test_a_folder_without_pictures_is_one_error_that_says_what_it_holds(tmp_path: Path) -> None:
    assert "holds no picture (it is empty)" in error_of(only(tmp_path)).message
    (tmp_path / "notes{0}\n.txt").write_text("x")
    (tmp_path / "sub").mkdir()
    error = error_of(only(tmp_path))
    assert f"{tmp_path} holds no picture (1 other file passed over, such as notes{{0}}\\n.txt, 1 sub-f" in error.message
    assert error.hint == "Give the sub-folders one by one."


def strided() -> dict[str, NDArray[np.uint8]]:
    frozen = IMAGE.copy()
    frozen.flags.writeable = False
    wide = np.zeros((10, 7, 6), np.uint8)
    wide[::2, :, ::2] = IMAGE
    bgr = np.ascontiguousarray(IMAGE[:, :, ::-1])
    return {
        "plain": IMAGE,
        "fortran": np.asfortranarray(IMAGE),
        "read-only": frozen,
        "strided": wide[::2, :, ::2],
        "negative strides": bgr[:, :, ::-1],
        "channels moved": np.ascontiguousarray(IMAGE.transpose(2, 0, 1)).transpose(1, 2, 0),
    }


@pytest.mark.parametrize("layout", list(strided()))
def test_arrays_of_any_memory_layout_equal_the_plain_one_and_stay_as_they_are(layout: str) -> None:
    array = strided()[layout]
    before = (array.copy(), array.strides, array.flags.writeable)
    image = only(array).read()
    assert image.flags.c_contiguous
    assert np.array_equal(image, IMAGE)
    assert np.array_equal(array, before[0])
    assert (array.strides, array.flags.writeable) == before[1:]


NAN = np.full((5, 7, 3), np.nan)


@pytest.mark.parametrize(
    ("array", "fact", "fix"),
    [
        (IMAGE / 255, r"shape \(5, 7, 3\) and dtype float64\. ", r"multiply by 255 and convert"),
        (NAN, r"dtype float64 with 105 NaN", "multiply by 255"),
        (NAN.astype(np.float16), r"dtype float16 with 105 NaN", "multiply by 255"),
        (IMAGE > 9, "dtype bool", r"astype\(np.uint8\) \* 255"),
        (IMAGE.astype(np.int64) * 3, "dtype int64", r"Bring the values to 0\.\.255"),
        (IMAGE.astype(object), "dtype object", "Convert the pixels"),
        (IMAGE[:, :, 0], r"shape \(5, 7\)", r"np\.stack\(\[array\] \* 3"),
        (IMAGE[:, :, :1], r"shape \(5, 7, 1\)", r"np\.repeat\(array, 3"),
        (np.dstack([IMAGE, IMAGE[:, :, 0]]), r"shape \(5, 7, 4\)", r"array\[:, :, :3\]"),
        (IMAGE.transpose(2, 0, 1), r"shape \(3, 5, 7\)", r"array\.transpose\(1, 2, 0\)"),
        (IMAGE.transpose(2, 0, 1) / 255, r"shape \(3, 5, 7\) and dtype float64", r"transpose\(1, 2, 0\); then With"),
        (np.stack([IMAGE, IMAGE]), r"shape \(2, 5, 7, 3\)", r"list\(array\)"),
        (IMAGE[:0], r"shape \(0, 7, 3\)", "no pixels"),
        (np.uint8(3) * np.ones((), np.uint8), r"shape \(\)", r"\(height, width, 3\)"),
    ],
)
def test_other_arrays_are_refused_with_their_shape_dtype_and_the_fix(array: object, fact: str, fix: str) -> None:
    item = only(np.asarray(array))
    with pytest.raises(UnsupportedSourceError, match=f"array_0001 is an array of .*{fact}") as caught:
        item.read()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(UnsupportedSourceError, match=fix):
        raise UnsupportedSourceError(caught.value.hint, "")


@pytest.mark.parametrize(
    ("source", "fact", "hint"),
    [
        (None, "is of type NoneType", "path"),
        (7, "is of type int", "path"),
        (OrderedDict(a="a.png"), "is of type collections.OrderedDict", "list(d.values())"),
        ((name for name in ["a.png"]), "is of type generator", "list(...)"),
        ({"a.png"}, "is of type set", "list(...)"),
        ("http://host/a.png", "http://host/a.png is a URL, and URLs are not read in this version", "Download it first"),
        ("HTTPS://host/a.png?x=1", "is a URL", "Download it first"),
        ("file:///a.png", "is a URL", "Give the path alone"),
        ("photos/*.png", "patterns are not expanded", "glob.glob()"),
        ("", "is an empty path", "dot"),
    ],
)
def test_types_that_are_not_taken_are_named_with_what_is(source: object, fact: str, hint: str) -> None:
    error = error_of(only(source))
    assert isinstance(error, UnsupportedSourceError)
    assert fact in error.message
    assert "Accepted are a path, a folder, an RGB uint8 array" in error.message
    assert hint in error.hint


def test_bad_items_of_a_list_fail_alone_and_the_good_ones_are_read(tmp_path: Path) -> None:
    closed = Image.fromarray(IMAGE)
    closed.close()
    source = [IMAGE, tmp_path / "missing.png", 3.5, b"", closed, png()[:60], [], tmp_path, IMAGE[:, :, 0], png()]
    items = list(inputs(source))
    assert len(items) == len(source)
    assert np.array_equal(items[0].read(), IMAGE)
    assert np.array_equal(items[-1].read(), IMAGE)
    messages = [error_of(item).message for item in items[1:-1]]
    starts = [
        f"{tmp_path}/missing.png does not exist",
        "input_0003 is of type float",
        "bytes_0004 is empty",
        "image_0005 cannot be decoded",
        "bytes_0006 cannot be decoded",
        "list_0007 is an empty list",
        f"{tmp_path} holds no picture",
        "array_0009 is an array of shape (5, 7)",
    ]
    for message, start in zip(messages, starts, strict=True):
        assert message.startswith(start)


def test_a_list_that_contains_itself_ends_in_an_error() -> None:
    endless: list[object] = [IMAGE]
    endless.append(endless)
    *good, last = inputs(endless)
    assert all(np.array_equal(item.read(), IMAGE) for item in good)
    assert "flat list" in error_of(last).hint


@pytest.mark.parametrize("empty", [[], ()])
def test_an_empty_list_is_an_error_as_soon_as_the_walk_starts(empty: object) -> None:
    with pytest.raises(SourceError, match="list of inputs is empty"):
        next(inputs(empty))


def test_nothing_is_opened_before_its_turn(tmp_path: Path) -> None:
    walk = inputs([tmp_path / "a.png", tmp_path / "folder"])
    item = next(walk)
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "late.png").write_bytes(png())
    assert np.array_equal(item.read(), IMAGE)
    assert next(walk).name == "late"


NAMES = [
    "e\u0301.png",
    "\u00e9.png",
    "with space.png",
    "new\nline.png",
    "-dash.png",
    "%s {0}.png",
    "..\\..\\x.png",
    "\x1b[31mred.png",
    "n" * 236 + ".png",
    os.fsdecode(b"\xff\xfe.png"),
]


def test_odd_file_names_are_read_and_named_so_that_they_harm_nothing(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(png())
    items = list(inputs([tmp_path / name for name in NAMES]))
    assert [os.path.basename(item.uri) for item in items] == NAMES
    for item in items:
        assert np.array_equal(item.read(), IMAGE)
        assert item.name.isprintable()
        assert item.name.encode()
        assert not set(item.name) & set("/\\")
        assert not item.name.startswith(".")
    by_file = {os.path.basename(item.uri): item.name for item in items}
    assert by_file["..\\..\\x.png"] == "_.._x"
    assert by_file["new\nline.png"] == "new_line"
    assert by_file["e\u0301.png"] != by_file["\u00e9.png"]


def test_printable_escapes_what_could_forge_output_and_keeps_the_rest() -> None:
    assert printable("straße 東京.png") == "straße 東京.png"
    assert printable("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
    assert printable(Path(os.fsdecode(b"\xff"))) == "\\udcff"

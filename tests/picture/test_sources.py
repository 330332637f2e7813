"""What may be handed over as pictures, how it is named, and what a bad item does to the others."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import zipfile
from collections import OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support import IMAGE, error_of, png
from zoo.errors import SourceError, UnsupportedSourceError
from zoo.message import printable
from zoo.picture.sources import Input, SourceOptions, inputs, streams


def only(source: object, options: SourceOptions | None = None) -> Input:
    (item,) = inputs(source, options or SourceOptions())
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
        {"img": path},
        [{"img": png()}, OrderedDict(img=[IMAGE, {"img": str(tmp_path)}])],
        io.BytesIO(png()),
        iter([path, IMAGE]),
        str(tmp_path / "*.png"),
    ]
    items = list(inputs(source))
    for item in items:
        assert np.array_equal(item.read(), IMAGE), item.name
        assert item.note == ""
    names = ["array_0001", "b.street", "b.street", "image_0004", "bytes_0005", "bytes_0006", "bytes_0007"]
    names += ["b.street", "b.street", "bytes_0010", "array_0011", "b.street", "file_0013", "b.street", "array_0015"]
    names += ["b.street"]
    assert [item.name for item in items] == names
    assert [item.uri for item in items] == [str(path) if name == "b.street" else name for name in names]


def test_one_file_has_one_uri_however_it_is_spelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.png").write_bytes(png())
    assert {item.uri for item in inputs(["in/a.png", "./in/../in", tmp_path / "in", "i*/a.png"])} == {
        str(tmp_path / "in" / "a.png")
    }


def test_pictures_without_a_path_are_told_apart_by_their_pixels() -> None:
    first, again, other = inputs(
        [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)]
    )
    assert first.identify(first.read()).startswith("array_0001#")
    marks = [item.identify(item.read()).split("#")[1] for item in (first, again, other)]
    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize(
    ("source", "fact", "hint"),
    [
        (None, "is of type NoneType", "path"),
        (7, "is of type int", "path"),
        (np.uint8(7), "is of type numpy.uint8", "np.asarray()"),
        ({"a.png"}, "is of type set", "list(...)"),
        (range(3), "is of type range", "list(...)"),
        (deque(["a.png"]), "is of type collections.deque", "path"),
        (Path, "is of type type", "path"),
        ("", "is an empty path", "dot"),
    ],
)
def test_types_that_are_not_taken_are_named_with_what_is(source: object, fact: str, hint: str) -> None:
    error = error_of(only(source))
    assert isinstance(error, UnsupportedSourceError)
    assert error.message.startswith(f"input_0001 {fact}")
    assert "Accepted are a path, a folder, a pattern, an http(s) address, an array (H, W)" in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"image": 1}, "is a dict with the key 'image'. Only \"img\" was expected"),
        ({"img": 1, "mask": 2, "a\nb": 3}, "with the keys 'mask', 'a\\nb'."),
        ({0: 1, None: 2}, "with the keys 0, None."),
        (dict.fromkeys(range(9)), "with the keys 0, 1, 2, 3, 4, ...."),
    ],
)
def test_a_dict_with_other_keys_is_refused_whole_and_the_keys_are_named(keys: dict[object, object], named: str) -> None:
    error = error_of(only(keys))
    assert isinstance(error, UnsupportedSourceError)
    assert named in error.message


def test_bad_items_of_a_list_fail_alone_and_the_good_ones_are_read(tmp_path: Path) -> None:
    closed = Image.fromarray(IMAGE)
    closed.close()
    source = [
        IMAGE,
        tmp_path / "missing.png",
        3.5,
        b"",
        closed,
        png()[:60],
        [],
        tmp_path,
        IMAGE.astype(int),
        {},
        {"img": tmp_path / "gone.png"},
        iter(()),
        tmp_path / "*.png",
        png(),
    ]
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
        "list_0007 is an empty list inside another",
        f"{tmp_path} holds no picture",
        "array_0009 is an array of shape (5, 7, 3) and dtype int64",
        "dict_0010 is an empty dict inside another",
        f"{tmp_path}/gone.png does not exist",
        "iterator_0012 is an empty iterator",
        f"{tmp_path}/*.png does not exist, and as a pattern it matches no file",
    ]
    for message, start in zip(messages, starts, strict=True):
        assert message.startswith(start)


def test_a_list_that_contains_itself_ends_in_an_error() -> None:
    endless: list[object] = [IMAGE]
    endless.append(endless)
    *good, last = inputs(endless)
    assert all(np.array_equal(item.read(), IMAGE) for item in good)
    assert "flat list" in error_of(last).hint


@pytest.mark.parametrize("make", [list, tuple, dict, lambda: iter(()), lambda: (x for x in ())])
def test_an_empty_source_is_an_error_as_soon_as_the_walk_starts(make: type[object]) -> None:
    with pytest.raises(SourceError, match="of inputs is empty"):
        next(inputs(make()))


def test_nothing_is_opened_before_its_turn(tmp_path: Path) -> None:
    walk = inputs([tmp_path / "a.png", tmp_path / "folder"])
    item = next(walk)
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "late.png").write_bytes(png())
    assert np.array_equal(item.read(), IMAGE)
    assert next(walk).name == "late"


def test_an_endless_generator_is_walked_one_item_at_a_time_and_its_errors_are_its_own() -> None:
    made = 0

    def endless() -> Iterator[object]:
        nonlocal made
        for made in itertools.count(1):
            yield np.full((1, 1, 3), made, np.uint8)
            if made == 3:
                raise RuntimeError("the camera is gone")

    walk = inputs(endless())
    for expected in (1, 2, 3):
        assert next(walk).read()[0, 0, 0] == expected
        assert made == expected
    with pytest.raises(RuntimeError, match="camera"):
        next(walk)


def test_what_a_generator_uses_again_for_the_next_picture_does_not_change_the_last_one() -> None:
    def camera() -> Iterator[object]:
        array = np.zeros((2, 2, 3), np.uint8)
        grey = np.zeros((2, 2))
        picture = Image.new("RGB", (2, 2))
        for value in (10, 20):
            array[:] = value
            grey[:] = value / 255
            picture.paste((value, value, value), (0, 0, 2, 2))
            data = bytearray(png(array))
            yield [array, {"img": grey}, picture, data]
            data[:] = b"\0" * len(data)

    assert [item.read()[0, 0, 0] for item in list(inputs(camera()))] == [10] * 4 + [20] * 4


def test_a_generator_may_yield_what_is_wrong_and_files_it_closes_right_after(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())

    def files() -> Iterator[object]:
        with (tmp_path / "a.png").open("rb") as file:
            yield file
        yield np.zeros((2, 2), int)
        yield 5

    first, second, third = inputs(files())
    assert np.array_equal(first.read(), IMAGE)
    assert "dtype int64" in error_of(second).message
    assert "type int" in error_of(third).message


class Socket:
    """Gives bytes in small pieces and knows no place."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self.file.read(min(size, 7))

    def seekable(self) -> bool:
        return False


def test_file_objects_are_read_from_where_they_stand_and_left_open(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"skip" + png())
    with (tmp_path / "b.png").open("rb") as file:
        file.seek(4)
        item = only(file)
        assert np.array_equal(item.read(), IMAGE)
        assert np.array_equal(item.read(), IMAGE)
        assert not file.closed
        error = error_of(only(file))
        assert f"is at its end (byte {len(png()) + 4})" in error.message
        assert "seek(0)" in error.hint
    assert (item.name, item.uri) == ("b", "b")
    assert item.identify(IMAGE) == f"b#{item.identify(IMAGE).split('#')[1]}"
    assert np.array_equal(only(Socket(png())).read(), IMAGE)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("in/side.png", png())
    with zipfile.ZipFile(tmp_path / "z.zip") as archive, archive.open("in/side.png") as member:
        inside = only(member)
    assert inside.name == "side"
    assert np.array_equal(inside.read(), IMAGE)


def test_bytes_that_are_gone_are_an_error() -> None:
    view = memoryview(png())
    view.release()
    assert "bytes_0001 cannot be read: operation forbidden on released memoryview" in error_of(only(view)).message


def test_file_objects_that_give_no_bytes_are_errors_with_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.BytesIO(png())
    closed.close()
    (tmp_path / "a.txt").write_text("text")
    with (tmp_path / "a.txt").open() as text, (tmp_path / "w").open("wb") as write:
        cases = {
            "gives text. Bytes were expected": text,
            "file_0001 cannot be read: I/O operation on closed file": closed,
            "w cannot be read: read": write,
            "file_0001 is empty (0 bytes)": io.BytesIO(),
            "file_0001 gives text": io.StringIO(),
        }
        for fact, file in cases.items():
            assert fact in error_of(only(file)).message
    monkeypatch.setattr(streams, "MAX_BYTES", 3 << 20)
    with open("/dev/zero", "rb") as endless:
        assert f"/dev/zero gives more than {3 << 20} bytes" in error_of(only(endless)).message


def test_what_is_not_met_is_not_imported() -> None:
    script = "import sys; import zoo.picture.sources; print(*{'requests', 'av', 'cv2', 'pypdfium2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"color": "BGR"},
        {"frames": "last"},
        {"pixel_limit": 0},
        {"url_bytes": -1},
        {"url_seconds": 0},
        {"url_seconds": float("nan")},
    ],
)
def test_options_refuse_other_values(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} is "):
        SourceOptions(**wrong)


def test_printable_escapes_what_could_forge_output_and_keeps_the_rest() -> None:
    assert printable("straße 東京.png") == "straße 東京.png"
    assert printable("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
    assert printable(Path(os.fsdecode(b"\xff"))) == "\\udcff"

"""Paths as sources: files with odd names, folders, patterns, and what lies in wait there."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import IMAGE, error_of, png
from zoo.errors import DecodeError, SourceError
from zoo.picture.sources import SourceOptions, inputs
from zoo.picture.sources.tree import matches

RECURSIVE = SourceOptions(recursive=True)


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())


def found(source: object, below: Path, options: SourceOptions | None = None) -> list[str]:
    items = list(inputs(source, options or SourceOptions()))
    assert all(np.array_equal(item.read(), IMAGE) for item in items)
    return [os.path.relpath(item.uri, below) for item in items]


@contextlib.contextmanager
def somebody_else() -> Iterator[Path]:
    """A folder anybody may enter, seen by a user who is not root."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_pictures_that_zoo_does_not_read_are_counted_by_kind_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, "a.png", "b.nef")
    heic, dicom = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", bytes(128) + b"DICM"
    for name, head in {"1.heic": heic, "2.HEIC": b"", "no_suffix": heic, "IM0001": dicom, "notes.txt": b"x"}.items():
        (tmp_path / name).write_bytes(head)
    assert found(tmp_path, tmp_path) == ["a.png"]
    (warning,) = caplog.messages
    assert warning == (
        f"{tmp_path}: 3 HEIC pictures passed over, which zoo does not read, such as 1.heic, "
        "1 DICOM picture passed over, which zoo does not read: IM0001, "
        "1 camera raw picture passed over, which zoo does not read: b.nef, 1 other file passed over, such as notes.txt"
    )
    caplog.clear()
    assert len(list(inputs(tmp_path, SourceOptions(told=False)))) == 1
    assert caplog.messages == []
    (tmp_path / "a.png").unlink()
    (item,) = inputs(tmp_path)
    assert "holds no picture (3 HEIC pictures passed over" in error_of(item).message
    assert error_of(item).hint == "Convert the pictures first, for instance to PNG."
    (item,) = inputs(tmp_path / "IM0001")
    assert "is not a picture of an accepted format but DICOM." in error_of(item).message


def test_a_folder_gives_its_pictures_by_name_and_the_log_counts_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, "b.png", "a.JPG", "B.Png", "é.png", "10.png", "9.png", "no_suffix", "picture.txt")
    (tmp_path / "broken.png").write_bytes(b"<html>")
    (tmp_path / "cut.mp4").write_bytes(b"")
    for name in (".hidden.png", "._a.JPG", ".DS_Store", "notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"litter" if name != ".hidden.png" else png())
    fill(tmp_path, "deeper.png/c.png", ".git/d.png")
    (tmp_path / "again").symlink_to(tmp_path)
    with caplog.at_level(logging.INFO, "zoo"):
        items = list(inputs(tmp_path))
    names = ["10.png", "9.png", "B.Png", "a.JPG", "b.png", "broken.png", "cut.mp4", "no_suffix", "picture.txt", "é.png"]
    assert [os.path.basename(item.uri) for item in items] == names
    assert caplog.messages == [
        f"{tmp_path}: 2 sub-folders with pictures not entered, such as again, 2 other files passed over, such as "
        "Thumbs.db. Sub-folders are read with recursive=True"
    ]
    assert "broken.png is not a picture" in error_of(items[5]).message
    assert "cut.mp4 is empty" in error_of(items[6]).message
    assert all(np.array_equal(item.read(), IMAGE) for item in items if item.name not in ("broken", "cut"))


def test_sub_folders_come_at_their_place_when_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, "z.png", "b/2.png", "b/10.png", "b/a/x.png", "a.png", "b.png", "c d/e.png", ".hidden/h.png", "e/._f")
    expected = ["a.png", "b/10.png", "b/2.png", "b/a/x.png", "b.png", "c d/e.png", "z.png"]
    assert found(tmp_path, tmp_path, RECURSIVE) == expected
    assert found(tmp_path / "b", tmp_path, RECURSIVE) == expected[1:4]
    # The order of paths, which is that of their parts.
    assert expected == [str(path) for path in sorted(map(Path, expected))]


def test_sub_folders_that_are_left_out_are_told_to_everybody_where_they_hold_pictures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, "a.png", "deep/er/b.png")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("x")
    assert [item.name for item in inputs(tmp_path)] == ["a"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            f"{tmp_path}: 1 sub-folder with pictures not entered, deep. Sub-folders are read with recursive=True",
        )
    ]
    shutil.rmtree(tmp_path / "deep")
    caplog.clear()
    assert [item.name for item in inputs(tmp_path)] == ["a"]
    assert caplog.messages == []


def test_links_that_lead_in_circles_give_each_picture_once(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/2.png", "b/c/3.png", "elsewhere/4.png")
    root = tmp_path / "root"
    root.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).rename(root / name)
    # Two links in each folder: 2 ** 40 paths lead to every picture before the system stops to follow.
    for folder in (root, root / "a", root / "b", root / "b" / "c"):
        (folder / "up").symlink_to(root)
        (folder / "self").symlink_to(".")
    (root / "other").symlink_to(tmp_path / "elsewhere")
    expected = ["a/1.png", "b/2.png", "b/c/3.png", "other/4.png"]
    assert found(root, root, RECURSIVE) == expected
    assert found(str(root / "**" / "*.png"), root) == expected
    assert found(str(root / "**"), root) == expected


def test_forty_levels_of_folders_are_read_and_two_thousand_do_not_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, "/".join("d" * 40) + "/x.png")
    assert found("d", tmp_path, RECURSIVE) == found("**/*.png", tmp_path) == ["/".join("d" * 40) + "/x.png"]
    fill(tmp_path, "deep/first.png")
    try:
        for name in ["deep", *"d" * 1980]:
            os.makedirs(name, exist_ok=True)
            os.chdir(name)
        Path("last.png").write_bytes(png())
        os.chdir(tmp_path)
        assert [item.name for item in inputs("deep", RECURSIVE)] == ["last", "first"]
        assert [item.name for item in inputs("deep/**/*.png")] == ["last", "first"]
    finally:
        # Python's own way to remove a tree is recursive.
        subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)


def test_a_folder_without_pictures_is_one_error_that_says_what_it_holds(tmp_path: Path) -> None:
    (item,) = inputs(tmp_path)
    assert "holds no picture (it is empty)" in error_of(item).message
    (tmp_path / "notes{0}\n.txt").write_text("x")
    fill(tmp_path, "sub/.hidden.png")
    (item,) = inputs(tmp_path)
    error = error_of(item)
    assert type(error) is SourceError
    assert f"{tmp_path} holds no picture (1 other file passed over, such as notes{{0}}\\n.txt, 1 sub-f" in error.message
    assert "recursive=True" in error.hint
    (item,) = inputs(tmp_path, RECURSIVE)
    assert "holds no picture (1 other file passed over" in error_of(item).message
    assert error_of(item).hint == "Check the path."


def test_what_may_not_be_read_is_an_error_of_its_own_and_the_rest_is_read() -> None:
    with somebody_else() as folder:
        fill(folder, "a.png", "b.png", "closed/c.png", "open/d.png")
        (folder / "b.png").chmod(0)
        (folder / "closed").chmod(0)
        become_nobody()
        for source in (folder, str(folder / "**" / "*.png")):
            outcomes = [(item.name, item) for item in inputs(source, RECURSIVE)]
            assert [name for name, _ in outcomes] == ["a", "b", "closed", "d"]
            assert np.array_equal(outcomes[0][1].read(), IMAGE)
            assert "b.png cannot be opened: Permission denied" in error_of(outcomes[1][1]).message
            assert "closed cannot be listed: Permission denied" in error_of(outcomes[2][1]).message
            assert np.array_equal(outcomes[3][1].read(), IMAGE)
        (item,) = inputs(folder / "closed")
        assert "cannot be listed" in error_of(item).message


def test_links_and_pipes_in_a_folder_are_errors_of_their_own_and_block_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "good.png").write_bytes(png())
    (tmp_path / "link.png").symlink_to("good.png")
    outcome: dict[str, type] = {}

    def walk() -> None:
        for source in (tmp_path, str(tmp_path / "*.png")):
            for item in inputs(source, SourceOptions(frames="all")):
                try:
                    outcome[item.name] = type(item.read())
                except SourceError as error:
                    outcome[item.name] = type(error)

    before = len(os.listdir("/proc/self/fd"))
    thread = threading.Thread(target=walk, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert len(os.listdir("/proc/self/fd")) == before
    assert outcome == {
        "broken": DecodeError,
        "fifo": DecodeError,
        "good": np.ndarray,
        "link": np.ndarray,
        "loop": DecodeError,
        "zero": DecodeError,
    }


def test_a_picture_that_vanishes_before_or_comes_into_being_until_it_is_read(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.png")
    first, second = inputs(tmp_path)
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    (tmp_path / "b.png").mkdir()
    assert "a.png does not exist" in error_of(first).message
    assert "b.png is a folder" in error_of(second).message
    fill(tmp_path, "a.png")
    assert np.array_equal(first.read(), IMAGE)


def test_an_error_of_the_disk_is_a_decode_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to("/proc/self/mem")
    for frames in ("first", "all"):
        (item,) = inputs(tmp_path, SourceOptions(frames=frames))
        assert "x.png cannot be decoded: Input/output error" in error_of(item).message


# Patterns


def plant(root: Path) -> None:
    fill(root, "a.png", "b.png", "c.jpg", "in/d.png", "in/deep/e.png", "other/f.png", ".hid.png", ".hid/g.png")
    fill(root, "in/.hid/h.png", "[x]/i.png", "x/j.png", "star*/k.png", "star1/l.png", "q?.png", "qq.png")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", "a b q? qq"),
        ("?.png", "a b"),
        ("[ab].*", "a b"),
        ("[!a].png", "b"),
        ("*/*.png", "i d f k l j"),
        ("**/*.png", "i a b d e f q? qq k l j"),
        ("**", "i a b c d e f q? qq k l j"),
        ("**/**/*.jpg", "c"),
        ("in/**", "d e"),
        ("in/**/*.png", "d e"),
        ("**/deep/*", "e"),
        ("*/deep/*.png", "e"),
        ("**/in/**/e.png", "e"),
        (".h*", ".hid"),
        (".h*/*", "g"),
        ("**/.h*/*", "g h"),
        ("*//*.png", "i d f k l j"),
        ("./*.jpg", "c"),
        ("in/../*.jpg", "c"),
        # A name that is really spelt so wins over what it would match.
        ("[x]/*.png", "i"),
        ("star*/*.png", "k"),
        ("q?.png", "q?"),
        ("q[?].png", "q?"),
    ],
)
def test_patterns_give_their_files_sorted_and_each_once(
    pattern: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    stems = [path.rpartition("/")[2].rpartition(".")[0] for path in found(pattern, tmp_path)]
    assert stems == expected.split()
    whole = found(str(tmp_path / pattern) if "//" not in pattern else f"{tmp_path}//{pattern}", tmp_path)
    assert [path.rpartition("/")[2].rpartition(".")[0] for path in whole] == expected.split()


@pytest.mark.parametrize(
    ("pattern", "fact"),
    [
        ("*.tif", "*.tif does not exist, and as a pattern it matches no file. Accepted are"),
        ("nowhere/*.png", "matches no file."),
        ("nowhere/**", "matches no file."),
        ("*/", "matches no file (6 folders not entered, such as [x])"),
        ("o*", "matches no file (1 folder not entered, such as other)"),
        ("[", "[ does not exist"),
        ("a.png/*", "matches no file."),
    ],
)
def test_a_pattern_that_matches_no_file_is_an_error(
    pattern: str, fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    (item,) = inputs(pattern)
    error = error_of(item)
    assert type(error) is SourceError
    assert fact in error.message


def test_what_a_pattern_names_is_an_input_whatever_it_holds(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    good, bad = inputs(str(tmp_path / "*"))
    assert np.array_equal(good.read(), IMAGE)
    assert "notes.txt is not a picture" in error_of(bad).message


parts = st.sampled_from(["a", "b", "ab", "*", "?", "a*", "[ab]", "**", ".a", ".*"])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(parts, min_size=1, max_size=4))
def test_without_links_patterns_match_what_the_standard_library_matches(pattern: list[str]) -> None:
    import glob

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in ("a", "b/a", "b/ab", "ab/a/b", "ab/.a/b", ".a/b/a", "ab/b/a/a"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"")
        text = os.path.join(folder, *pattern)
        files = {path for path in glob.glob(text, recursive=True) if os.path.isfile(path)}
        assert {entry.path for entry in matches(text) if entry.fate == "file"} == files


NAMES = [
    "e\u0301.png",
    "\u00e9.png",
    "with space.png",
    "new\nline.png",
    "-dash.png",
    "%s {0}.png",
    "..\\..\\x.png",
    "\x1b[31mred.png",
    "n" * 251 + ".png",
    os.fsdecode(b"\xff\xfe.png"),
    "街道 🚗.png",
    "\u202etfel.png",
    "a#frame=1.png",
    "C:con.png",
]


def test_odd_file_names_are_read_and_named_so_that_they_harm_nothing(tmp_path: Path) -> None:
    fill(tmp_path, *NAMES)
    by_folder = list(inputs(tmp_path))
    assert {os.path.basename(item.uri) for item in by_folder} == {name for name in NAMES if not name.startswith(".")}
    by_name = list(inputs([tmp_path / name for name in NAMES]))
    assert [os.path.basename(item.uri) for item in by_name] == NAMES
    for items in (by_folder, by_name):
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


@pytest.mark.parametrize(
    ("text", "fact", "shown"),
    [
        ("x" * 300 + ".png", "cannot be opened: File name too long", 300),
        ("d/" * 2040 + "x.png", "does not exist", 4080),
        (
            "data:image/png;base64," + "A" * 100_000,
            "is a text of 100022 characters that cannot be a path: data:image/png;base64,AAAAAAAAAAAAAAAAAA...",
            40,
        ),
        ("a\0b*.png", "is a text of 8 characters that cannot be a path: a\\x00b*.png.", 0),
        ("\ud800*.png", "is a text of 6 characters that cannot be a path: \\ud800*.png.", 0),
        ("file:///a.png", "file:///a.png has the scheme file", 0),
        ("s3://bucket/a.png", "s3://bucket/a.png has the scheme s3. http or https", 0),
        ("ftp://me:secret@host/a.png", "ftp://host/a.png has the scheme ftp", 0),
    ],
)
def test_texts_that_are_no_path_are_refused_in_two_short_lines(text: str, fact: str, shown: int) -> None:
    (item,) = inputs(text)
    error = error_of(item)
    assert fact in error.message
    assert len(error.message) < shown + 400
    assert "secret" not in str(error) + item.uri + item.name

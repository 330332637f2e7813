"""Where outputs go, whose they are, and what happens when they cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.contract.labels import CAMVID
from zoo.errors import OutputError
from zoo.results import Result, decode_mask
from zoo.results.encode import read_mark, read_source
from zoo.results.files.naming import MAX_STEM_BYTES, find_target, safe_stem
from zoo.results.files.saved import find_saved


def result(uri: str, name: str | None = None, value: int = 0) -> Result:
    mask = np.full((4, 6), value, np.uint8)
    image = np.zeros((4, 6, 3), np.uint8)
    return Result(mask, CAMVID, image, os.path.basename(uri) if name is None else name, uri, "m", "cpu", "e", {})


def content(path: Path) -> int:
    with Image.open(path) as picture:
        return int(np.asarray(picture)[0, 0])


LONG = "x" * 240
NAMES = [
    ("street.png", "street"),
    ("street.JPEG", "street"),
    ("v1.2", "v1.2"),
    ("a b.tar.png", "a b.tar"),
    (unicodedata.normalize("NFD", "stra\u00dfe \u00e9.png"), unicodedata.normalize("NFC", "stra\u00dfe \u00e9")),
    ("街道.png", "街道"),
    ("two\nlines.png", "two_lines"),
    ("-rf.png", "_rf"),
    ("%s.png", "%s"),
    ("..\\..\\x.png", "_._.._x"),
    ("../../x.png", "_._.._x"),
    ("..", "picture"),
    (".hidden.png", "_hidden"),
    ("bytes\udcff\udc80.png", "bytes__"),
    ("\u202egnp.exe.png", "_gnp.exe"),
    ("con", "_con"),
    ("NUL.txt", "_NUL.txt"),
    ("console.png", "console"),
    ('a:b*c?"<>|.png', "a_b_c_____"),
    ("", "picture"),
    (".png", "picture"),
    ("  . ", "picture"),
    ("\0", "_"),
]


@pytest.mark.parametrize(("name", "stem"), NAMES)
def test_the_name_of_an_output_is_safe_and_recognisable(name: str, stem: str, tmp_path: Path) -> None:
    assert safe_stem(name) == stem
    written = result("u", name).save_to_img(tmp_path, "mask")
    assert written == tmp_path / f"{stem}_mask.png"
    assert os.listdir(tmp_path) == [written.name]


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_every_name_gives_a_valid_file_name(name: str) -> None:
    stem = safe_stem(name)
    assert 1 <= len(stem.encode("utf-8")) <= MAX_STEM_BYTES
    assert stem.isprintable()
    assert not set(stem) & set('/\\:*?"<>|')
    assert not stem.startswith(("-", "."))
    assert safe_stem(name) == stem


def test_long_names_are_cut_and_stay_apart(tmp_path: Path) -> None:
    names = [f"{LONG}.png", f"{LONG}y.png", "\u8857" * 240 + ".png"]
    written = [result(name).save_to_img(tmp_path) for name in names]
    assert len({path.name for path in written}) == 3
    assert not any("~" in path.name for path in written)
    assert all(len(os.fsencode(path.name)) <= 255 for path in written)
    assert written[0].name.startswith("x" * 190)
    assert [result(name).save_to_img(tmp_path) for name in names] == written


def test_inputs_of_one_stem_keep_their_outputs_and_a_rerun_replaces_its_own(tmp_path: Path) -> None:
    inputs = ["file:///a/img.png", "file:///b/img.png", "file:///a/img.jpg"]
    expected = [tmp_path / name for name in ("img_mask.png", "img~2_mask.png", "img~3_mask.png")]
    assert [result(uri, value=n).save_to_img(tmp_path, "mask") for n, uri in enumerate(inputs)] == expected
    again = [(2, "file:///a/img.jpg"), (0, "file:///a/img.png"), (1, "file:///b/img.png")]
    assert [result(uri, value=n + 5).save_to_img(tmp_path, "mask") for n, uri in again] == [
        expected[n] for n, _ in again
    ]
    assert [content(path) for path in expected] == [5, 6, 7]
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in expected)


def test_all_outputs_under_one_number_are_of_one_input(tmp_path: Path) -> None:
    """Also where one of them was saved alone before, and where a file of the user's is in the way."""
    first, second, third = (f"file:///{folder}/img.png" for folder in "abc")
    assert result(first).save_to_img(tmp_path, "mask").name == "img_mask.png"
    assert result(second).save_to_img(tmp_path, "overlay").name == "img~2_overlay.png"
    (tmp_path / "img_overlay.png").write_text("the user's own")
    assert result(first).save_to_img(tmp_path, "overlay").name == "img~3_overlay.png"
    assert result(third).save_to_img(tmp_path, "mask").name == "img~4_mask.png"
    assert result(second).save_to_img(tmp_path, "mask").name == "img~2_mask.png"
    assert find_saved(tmp_path, "img.png", first, "side") is None
    again = [(first, "mask", "img_mask"), (third, "mask", "img~4_mask"), (first, "overlay", "img~3_overlay")]
    for uri, kind, name in again:
        assert result(uri).save_to_img(tmp_path, kind).name == f"{name}.png"


def test_many_inputs_of_one_name_cost_as_much_each_as_a_few(tmp_path: Path, monkeypatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr("zoo.results.files.naming.read_mark", lambda path: (read.append(path), read_mark(path))[1])
    for number in range(300):
        result(f"file:///{number}/img.png").save_to_img(tmp_path, "mask")
    assert len(read) < 5 * 300
    for path in tmp_path.iterdir():
        path.unlink()
    assert result("file:///new/img.png").save_to_img(tmp_path, "mask").name == "img_mask.png", "the folder was emptied"


def test_documents_follow_the_same_rule(tmp_path: Path) -> None:
    first, second = result("a/img.png", value=1), result("b/img.png", value=2)
    assert first.save_to_json(tmp_path).name == "img.json"
    assert second.save_to_json(tmp_path, indent=None).name == "img~2.json"
    assert second.save_to_json(tmp_path, ensure_ascii=True).name == "img~2.json"
    assert decode_mask(json.loads((tmp_path / "img.json").read_text(encoding="utf-8")))[0, 0] == 1


@pytest.mark.parametrize("kind", ["overlay", "color", "mask", "json", "jpeg"])
@pytest.mark.parametrize("uri", ["a.png", 'quo"te\\.png', "newline\n.png", "bytes\udcff.png", "街道.png", "x" * 5000])
def test_every_output_tells_whose_it_is(kind: str, uri: str, tmp_path: Path) -> None:
    item = result(uri, "n")
    if kind == "json":
        path = item.save_to_json(tmp_path)
    elif kind == "jpeg":
        path = item.save_to_img(tmp_path / "x.jpg")
    else:
        path = item.save_to_img(tmp_path, kind)
    assert read_source(path) == uri


FOREIGN = {
    "empty": b"",
    "text": b"my notes",
    "mark further back": b'[{"schema":"zoo.result/1","source":"a/img.png"}]',
    "cut mark": b'{"schema":"zoo.result/1","source":"a/im',
    "other owner": b'{"schema":"zoo.result/1","source":"b/img.png"}',
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("name", ["img_mask.png", "img.json"])
def test_files_of_others_are_never_overwritten(name: str, foreign: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(foreign)
    item = result("a/img.png")
    written = item.save_to_json(tmp_path) if name.endswith("json") else item.save_to_img(tmp_path, "mask")
    assert "~2" in written.name
    assert (tmp_path / name).read_bytes() == foreign


def test_the_users_own_picture_is_never_overwritten_even_when_named(tmp_path: Path) -> None:
    own = tmp_path / "street.png"
    Image.new("RGB", (3, 3)).save(own)
    before = own.read_bytes()
    with pytest.raises(OutputError, match="is no file zoo wrote") as caught:
        result("street.png").save_to_img(own)
    assert caught.value.hint == "Give a folder or another name, or move the file away."
    assert own.read_bytes() == before


def test_a_named_file_is_replaced_by_its_own_input_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.png"
    assert result("a.png", value=1).save_to_img(path, "mask") == path
    assert result("a.png", value=2).save_to_img(path, "mask") == path
    with pytest.raises(OutputError, match=r"holds the result of a\.png"):
        result("b\n.png", value=3).save_to_img(path, "mask")
    assert content(path) == 2


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: os.mkfifo(p), lambda p: p.symlink_to("elsewhere")])
def test_folders_pipes_and_links_of_the_name_are_passed_over(make, tmp_path: Path) -> None:
    make(tmp_path / "img_mask.png")
    assert result("img.png").save_to_img(tmp_path, "mask").name == "img~2_mask.png"
    assert not (tmp_path / "elsewhere").exists()


def test_results_saved_from_many_threads_all_arrive(tmp_path: Path) -> None:
    items = [result(f"{n}/img.png", value=n % 11) for n in range(24)]
    written: dict[int, Path] = {}
    barrier = threading.Barrier(len(items))

    def save(number: int) -> None:
        barrier.wait()
        written[number] = items[number].save_to_img(tmp_path, "mask")

    threads = [threading.Thread(target=save, args=(n,)) for n in range(len(items))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(written.values())) == len(items) == len(os.listdir(tmp_path))
    assert all(content(path) == n % 11 and read_source(path) == f"{n}/img.png" for n, path in written.items())


@pytest.mark.parametrize(
    ("path", "written"),
    [("out", "out/img_mask.png"), ("out.d/", "out.d/img_mask.png"), ("a/b/x.png", "a/b/x.png"), ("x.PNG", "x.PNG")],
)
def test_a_path_without_suffix_or_with_a_separator_is_a_folder(path: str, written: str, tmp_path: Path) -> None:
    assert result("img.png").save_to_img(f"{tmp_path}/{path}", "mask") == tmp_path / written


def test_an_existing_folder_with_a_suffix_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "run.v2").mkdir()
    assert result("img.png").save_to_json(tmp_path / "run.v2") == tmp_path / "run.v2" / "img.json"


@pytest.mark.parametrize(
    ("kind", "name"), [("mask", "x.jpg"), ("color", "x.jpg"), ("overlay", "x.gif"), ("mask", "x.json")]
)
def test_a_suffix_that_does_not_fit_is_refused_with_the_fix(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Expected a folder, or a name that ends with \.png") as caught:
        result("img.png").save_to_img(tmp_path / name, kind)
    assert caught.value.hint.startswith(f"Use {tmp_path / 'x.png'}, or ")
    assert not os.listdir(tmp_path)


def test_the_suffixes_there_are_read_as_a_list(tmp_path: Path) -> None:
    for suffixes, said in (((".a", ".b", ".c"), ".a, .b or .c"), ((".a", ".b"), ".a or .b"), ((".a",), ".a")):
        with pytest.raises(OutputError) as caught:
            find_target(tmp_path / "x.z", suffixes)
        assert caught.value.message.endswith(f"ends with .z. Expected a folder, or a name that ends with {said}.")


def test_an_unknown_kind_and_a_zero_byte_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Expected one of: overlay, color, mask"):
        result("img.png").save_to_img(tmp_path, "masks")
    with pytest.raises(OutputError, match="zero byte"):
        result("img.png").save_to_img("a\0b")


def test_a_file_in_place_of_the_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match=r"The output folder .*out cannot be used"):
        result("img.png").save_to_img(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be used"):
        result("img.png").save_to_json(tmp_path / "out" / "deeper" / "x.json")


def test_a_name_too_long_for_the_file_system_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        result("img.png").save_to_img(tmp_path / f"{'x' * 300}.png")


CHILD = """
import os, resource, sys
import numpy as np
from zoo.errors import OutputError
from zoo.contract.labels import CAMVID
from zoo.results import Result
def result(name, mask):
    return Result(mask, CAMVID, np.zeros((*mask.shape, 3), np.uint8), name, name, "m", "cpu", "e", {})
small = result("small.png", np.zeros((8, 8), np.uint8))
large = result("large.png", np.random.default_rng(0).integers(0, 11, (300, 300), dtype=np.uint8))
folder = sys.argv[2]
if sys.argv[1] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
    small.save_to_img(folder, "mask")
    targets = [lambda: large.save_to_img(folder, "mask"), lambda: large.save_to_json(folder)]
else:
    os.chmod(folder, 0o500)
    if os.geteuid() == 0:
        os.seteuid(65534)
    targets = [lambda: small.save_to_img(folder, "mask"), lambda: small.save_to_json(folder + "/deeper/")]
for target in targets:
    try:
        target()
    except OutputError as error:
        print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and rights of POSIX systems")
@pytest.mark.parametrize(
    ("fault", "reason", "left"),
    [("full", "File too large", ["small_mask.png"]), ("unwritable", "Permission denied", [])],
)
def test_a_full_disk_or_unwritable_folder_is_an_output_error_and_leaves_only_whole_files(
    fault: str, reason: str, left: list[str], tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    command = [sys.executable, "-c", CHILD, fault, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count(reason) == 2, done
    tmp_path.chmod(0o700)
    assert os.listdir(tmp_path) == left


_RACE = """
import sys, time
from pathlib import Path
import numpy as np
from zoo.contract.labels import CAMVID
from zoo.results import Result
folder, process = Path(sys.argv[1]), sys.argv[2]
mask, image = np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)
while not (folder / "go").exists():
    time.sleep(0.001)
for number in range(40):
    uri = f"/{process}/{number}/street.png"
    Result(mask, CAMVID, image, "street", uri, "m", "cpu", "e", {}).save_to_img(folder / "out", "mask")
"""


def test_processes_that_write_into_one_folder_never_take_each_others_names(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", _RACE, str(tmp_path), str(number)]) for number in range(4)]
    (tmp_path / "go").touch()
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    sources = {read_source(path) for path in (tmp_path / "out").iterdir()}
    assert len(sources) == 160

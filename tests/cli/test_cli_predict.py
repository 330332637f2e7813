"""`zoo predict` and `zoo evaluate` as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from scenes import draw_scene
from support import zoo_process
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.results import decode_mask


def zoo(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="zoo")


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    Image.fromarray(draw_scene(4, 96, 128).image).save(path)
    return path


def test_predict_prints_the_classes_and_saves_what_was_asked(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    ended = zoo_process("predict", street, "--model", bundle.folder, "--save-path", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "96x128  small on cpu" in ended.stdout
    assert "class 1" in ended.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "street.json",
        "street_mask.png",
        "street_overlay.png",
    ]
    document = json.loads((tmp_path / "out" / "street.json").read_text())
    mask = np.asarray(Image.open(tmp_path / "out" / "street_mask.png"))
    np.testing.assert_array_equal(decode_mask(document), mask)
    assert mask.shape == (96, 128)


def test_a_picture_may_come_from_standard_input(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    def piped(*words: object, given: bytes) -> Result:
        options = ["--model", str(bundle.folder), "-o", str(tmp_path / "out"), "--save", "mask"]
        return CliRunner().invoke(cli, ["predict", *map(str, words), *options], input=given)

    ended = piped(street, "-", given=street.read_bytes())
    assert ended.exit_code == 0, ended.output
    assert "stdin_mask.png" in ended.output
    first, second = (tmp_path / "out" / f"{name}_mask.png" for name in ("street", "stdin"))
    np.testing.assert_array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))
    for wrong, said in ((b"", "stdin is empty"), (b"text", "stdin is not a picture")):
        ended = piped("-", given=wrong)
        assert (ended.exit_code, said in ended.output) == (1, True)
    assert piped("-", "--input", "-", given=b"").exit_code == 2


def test_json_is_one_line_a_picture_and_nothing_else(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(draw_scene(6, 40, 40).image).save(other)
    ended = zoo_process("predict", street, other, "--model", bundle.folder, "--json")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [Path(line["source"]).name for line in lines] == ["street.png", "other.png"]
    assert lines[0]["size"] == [96, 128]
    assert sum(entry["pixels"] for entry in lines[0]["classes"]) == 96 * 128


def test_pictures_of_one_name_keep_both_outputs(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    for name in ("a/img.png", "b/img.png", "a/img.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(draw_scene(len(name), 40, 40 + len(name)).image).save(tmp_path / name)
    arguments = ("predict", tmp_path / "a", tmp_path / "b", "--model", bundle.folder, "--save-path", tmp_path / "out")
    for _ in range(2):
        ended = zoo(*arguments, "--save", "mask")
        assert ended.exit_code == 0, ended.stderr
        assert len(list((tmp_path / "out").iterdir())) == 3


def test_skipping_goes_on_counts_and_exits_with_3(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    arguments = ("predict", tmp_path / "bad.png", street, "--model", bundle.folder, "--save-path", tmp_path / "out")
    skipped = zoo(*arguments, "--on-error", "skip")
    assert skipped.exit_code == 3
    assert "street.png" in skipped.stdout
    assert "bad.png is empty (0 bytes)" in skipped.stderr
    assert "1 segmented, 1 failed." in skipped.stderr
    stopped = zoo(*arguments)
    assert stopped.exit_code == 1
    assert stopped.stdout == ""


def test_errors_are_two_lines_on_stderr(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    cases = {
        ("predict", tmp_path / "gone.png", "--model", bundle.folder): "gone.png",
        ("predict", tmp_path / "empty", "--model", bundle.folder): "empty",
        ("predict", street, "--model", "no-such-model"): "no-such-model",
        ("predict", street, "--model", tmp_path / "empty"): "inference.yml",
        ("predict", street, "--model", bundle.folder, "--device", "gpu:0"): "is built without CUDA",
        ("predict", street, "--model", bundle.folder, "--backend", "trt"): "no engine called 'trt'",
        ("predict", street, "--model", bundle.folder, "--save-path", tmp_path / "file"): "cannot be used",
        ("evaluate", bundle.folder, "--data", tmp_path / "gone.txt"): "gone.txt",
    }
    for arguments, words in cases.items():
        ended = zoo(*arguments)
        assert ended.exit_code == 1, arguments
        assert ended.stdout == "", arguments
        assert words in ended.stderr, arguments
        assert len(ended.stderr.splitlines()) == 2, ended.stderr


@pytest.mark.parametrize(
    "wrong", [(), ("x.png", "--batch-size", "0"), ("x.png", "--save", "jpeg"), ("x.png", "--sav", "y")]
)
def test_wrong_usage_exits_with_2(wrong: tuple[str, ...]) -> None:
    assert zoo("predict", *wrong).exit_code == 2


def test_evaluate_gives_the_miou_of_exact_masks(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    """Masks the model itself made: every class that occurs is right everywhere."""
    zoo("predict", street, "--model", bundle.folder, "--save-path", tmp_path, "--save", "mask")
    (tmp_path / "list.txt").write_text("street.png street_mask.png\n")
    ended = zoo("evaluate", bundle.folder, "--data", tmp_path / "list.txt", "--json")
    report = json.loads(ended.stdout)
    assert (report["mIoU"], report["accuracy"], report["pictures"]) == (1.0, 1.0, 1)
    table = zoo("evaluate", bundle.folder, "--data", tmp_path / "list.txt")
    assert ["mIoU", "100.00"] in [line.split() for line in table.stdout.splitlines()]
    # Options of `zoo predict` change what is measured, and are checked before anything is opened.
    unsure = zoo("evaluate", bundle.folder, "--data", tmp_path / "list.txt", "--json", "--min-score", "0.9", "--flip")
    assert json.loads(unsure.stdout)["accuracy"] < 1.0
    wrong = zoo("evaluate", "no-such-model", "--data", tmp_path / "list.txt", "--scales", "17")
    assert wrong.exit_code == 1
    assert "`scales[0]` is 17.0; expected a number above 0 (at most 16)." in wrong.stderr


def test_colours_of_classes_are_replaced(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    words = ("predict", street, "--model", bundle.folder, "--save", "mask", "-o", tmp_path / "out")
    ended = zoo(*words, "--palette", "class 2=#0102ff", "--palette", "class 0=#030405")
    assert ended.exit_code == 0, ended.stderr
    with Image.open(tmp_path / "out" / "street_mask.png") as mask:
        palette = np.array(mask.getpalette()).reshape(-1, 3)
    assert palette[[0, 2]].tolist() == [[3, 4, 5], [1, 2, 255]]
    assert "'class 2=blue' is no class with a colour" in zoo(*words, "--palette", "class 2=blue").stderr
    assert "Did you mean class" in zoo(*words, "--palette", "clas 2=#000000").stderr


def test_two_formats_that_take_one_name_are_refused_before_any_work(
    bundle: Bundle, street: Path, tmp_path: Path
) -> None:
    ended = zoo("predict", street, "--model", bundle.folder, "--save", "json,labelme", "-o", tmp_path / "out")
    assert ended.exit_code == 1
    assert "both take the name of the picture" in ended.stderr
    assert not (tmp_path / "out").exists()

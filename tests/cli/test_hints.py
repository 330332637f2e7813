"""What help and hints advise is true: options as they are typed, commands that do what they say."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import click
import pytest
import texts
from click.testing import CliRunner
from PIL import Image
from test_docs import every_command

from zoo.cli.app import cli
from zoo.cli.helptext import ChineseFormatter
from zoo.cli.language import click_speaks
from zoo.cli.notes import on_the_command_line
from zoo.engine.cpu import CPU

REPO = Path(__file__).resolve().parents[2]


def own_texts() -> list[str]:
    """Returns every text of the source."""
    return [text for source in texts.sources().values() for text in texts.texts(source)]


def test_no_text_spells_an_option_both_for_python_and_for_the_command_line() -> None:
    for text in own_texts():
        spelt = on_the_command_line(text)
        for word in re.findall(r"--[a-z][a-z-]+", text):
            assert spelt.count(word) == text.count(word), text


def test_every_option_says_what_it_does() -> None:
    for path, command in every_command().items():
        for option in command.params:
            assert not isinstance(option, click.Option) or option.hidden or option.help, (path, option.opts)


def test_an_option_without_a_help_shows_none_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_LANG", "zh")
    formatter = ChineseFormatter(click.Command("bare"))
    with click_speaks():
        formatter.write_dl([("--bare TEXT", "")])
    assert formatter.getvalue().strip() == "--bare TEXT"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("named", [["--model", "PP-LiteSeg-T"], ["--pipeline", "semantic_segmentation"]])
def test_where_a_model_cannot_be_had_the_hint_names_the_option_that_takes_another(
    language: str, named: list[str], tmp_path: Path
) -> None:
    settings = {"ZOO_HOME": str(tmp_path / "home"), "ZOO_LANG": language}
    Image.new("RGB", (8, 8)).save(picture := tmp_path / "x.jpg")
    done = CliRunner().invoke(cli, ["-q", "predict", str(picture), *named, "--offline"], env=settings)
    assert done.exit_code == 1
    assert done.stderr.rstrip().endswith("--model starter")
    assert "model:" not in done.stderr


def test_no_command_installs_a_name_that_is_not_zoos_on_an_index() -> None:
    told = [*own_texts(), f"Run: {CPU.install}"]
    told += [line for page in (REPO / "docs").glob("[!a]*.md") for line in page.read_text().splitlines()]
    commands = [command for text in told for command in re.findall(r"pip install ([^`(;|]*)", text)]
    assert len(commands) > 10
    assert [command for command in commands if re.search(r"(^|[\\s\"'])zoo-", command)] == []


def test_packages_that_hints_install_are_those_of_the_extras() -> None:
    def parted(requirement: str) -> tuple[str, frozenset[str]]:
        name = re.split("[<>=]", requirement)[0]
        return name, frozenset(filter(None, requirement[len(name) :].split(",")))

    wanted = [each for name in ("zoo-core", "zoo-backend-openvino") for each in metadata.requires(name) or ()]
    extras = [each for each in wanted if "extra" in each and "dev" not in each]
    known = {parted(each.partition(";")[0].strip()) for each in extras}
    told = [f"Run: {CPU.install}", *(text for text in own_texts() if "pip install" in text)]
    bounded = {word for text in told for word in re.findall(r'"(\w+[<>=][^"]*)"', text)}
    assert bounded == {"paddlepaddle>=3.2.2,<3.3", "nncf>=3.4,<4"}
    assert {parted(word) for word in bounded} <= known


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("list-models *nothing*", 1, "No model matches '*nothing*'.\nRun: zoo list-models\n"),
        ("info FOLDER", 1, "FOLDER is a folder without inference.yml, and no model is called so.\n"),
        ("lock EXPORT", 1, "EXPORT is an export folder; lock files, packs and the cache hold models by their names.\n"),
        ("export starter --format openvino -o a/e7.xml", 1, "an export is a folder of several.\nGive a folder: a/e7\n"),
        ("export starter --format onnx -o e7.ONNX", 1, "e7.ONNX is named like a file; an export is a folder"),
        ("predict x.jpg --range 1", 2, "Error: --range takes two numbers, or auto.\n"),
        ("predict x.jpg --range", 2, "Error: --range takes two numbers, or auto.\n"),
        ("predict x.jpg --range 5 5", 1, "Correct --range. Run: zoo predict --help\n"),
        ("evaluate starter --data x --scales 17", 1, "Correct --scales. Run: zoo evaluate --help\n"),
        ("export starter --weights a --output b --name Größe", 2, "expected 1 to 100 letters from a to z, digits"),
    ],
)
def test_what_is_wrong_is_said_in_whole_sentences(
    words: str, code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "EXPORT").mkdir()
    (tmp_path / "EXPORT" / "inference.yml").touch()
    done = CliRunner().invoke(cli, words.split(), env={"ZOO_LANG": "en"})
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr


def test_the_help_of_an_option_has_only_forms_that_can_be_typed() -> None:
    for path, command in every_command().items():
        for option in command.params:
            assert not re.search(r"\[red|\[old|null", getattr(option, "help", None) or ""), (path, option.opts)
    chinese = CliRunner().invoke(cli, ["predict", "--help"], env={"ZOO_LANG": "zh"}).stdout
    assert "。 " not in chinese


def test_the_doctor_lists_every_variable_and_optional_package() -> None:
    report = CliRunner().invoke(cli, ["doctor"], env={"ZOO_LANG": "en", "ZOO_MAX_PIXELS": "5"}).stdout
    for name in ("ZOO_MAX_PIXELS  ", "ZOO_LANG  ", "av  ", "pypdfium2  ", "tifffile  "):
        assert f" {name}" in report
    assert re.search(r"ZOO_MAX_PIXELS +5", report)

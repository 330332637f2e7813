"""The documentation says what is true: its examples run, its commands exist, its links lead somewhere.

Rules a page keeps:
- The ```python blocks of a page run in their order, as one program, in a folder with the drawn picture street.jpg. A
  ```text block right after one is what it prints.
- In a ```console block `$ zoo ...` and `$ echo $?` run, and the lines below are their output.
- On a page with `<!-- blocks run in order -->` both kinds run in the order of the page, one with what the other made.
- In ```sh and ```console blocks zoo's commands and options, make's targets and the scripts named exist.
- A block below `<!-- file: PATH -->` is that file, whole.
Outputs are compared without regard to figures and to the order of lines: weights and machines may change both.

The README runs in processes of its own, as its reader's would, and so do pages whose blocks run in order; the other
pages run in this one, where paddle is there.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

import zoo
import zoo.plugin
from zoo.cli.app import cli
from zoo.learn.convert import convert_bundle, converter

REPO = Path(__file__).resolve().parents[1]
DOCS = REPO / "docs"
pytestmark = pytest.mark.usefixtures("all_engines")

SITE = sorted([*DOCS.glob("*.md"), *DOCS.glob("devices/*.md")])
PAGES = sorted([*REPO.glob("*.md"), *SITE, *REPO.glob("plugins/*/README.md")])
GUIDES = [REPO / "README.md", *SITE]

_FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, where it begins and what stands between it and the block before."""

    language: str
    content: str
    line: int
    file: str | None
    gap: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("content")) + 1
        found.append(Block(match["language"], match["content"], line, match["file"], text[end : match.start()].strip()))
        end = match.end()
    return found


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def name(page: Path) -> str:
    return page.relative_to(REPO).as_posix()


def in_order(page: Path) -> bool:
    return "<!-- blocks run in order -->" in page.read_text(encoding="utf-8")


def having(language: str, pages: list[Path]) -> list[Path]:
    return [
        page
        for page in pages
        if not in_order(page) and any(b.language == language and b.file is None for b in blocks(page))
    ]


def in_time(pages: list[Path]) -> list[Any]:
    """Marks pages whose examples take half a minute and more on two cores: `make test-all`."""
    long = {DOCS / page for page in ("bundles.md", "large-pictures.md", "python.md", "training.md")}
    assert long <= set(pages)
    return [pytest.param(page, marks=pytest.mark.full) if page in long else page for page in pages]


def commands(block: Block) -> list[str]:
    lines = block.content.replace("\\\n", " ").splitlines()
    if block.language == "console":
        return [line[2:] for line in lines if line.startswith("$ ")]
    return [line for line in lines if line and not line.startswith("#")]


def shape(output: str) -> list[str]:
    """What must be equal of two outputs: the words of each line."""
    output = re.sub(r"\((?:paddle|openvino|onnxruntime) .*\)", "(engine)", output)
    output = re.sub(r"\d[\d.,]*|(?<= )-(?= )", "#", output)
    return sorted(" ".join(line.split()) for line in output.splitlines() if line.strip())


@pytest.fixture(scope="session")
def street() -> Path:
    """The picture that the documentation uses."""
    return REPO / "docs" / "street.jpg"


@pytest.fixture
def folder(tmp_path: Path, street: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(street, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_a_process(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Returns exit code and output of a Python started with the arguments."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore:No ccache found", "GLOG_minloglevel": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def run_program(page: Path, program: Path) -> str:
    """Returns what a program prints."""
    if page.name == "README.md" or in_order(page):
        code, told = in_a_process([program.name], program.parent)
        assert code == 0, told
        return told
    with contextlib.redirect_stdout(io.StringIO()) as told:
        runpy.run_path(str(program))
    return told.getvalue()


def run_zoo(page: Path, words: list[str], folder: Path) -> tuple[int, str]:
    """Returns exit code and output of a command."""
    if page.name == "README.md" or in_order(page):
        return in_a_process(["-m", "zoo", *words], folder)
    done = CliRunner().invoke(cli, words, prog_name="zoo")
    return done.exit_code, done.output


@pytest.mark.parametrize("page", in_time(having("python", GUIDES)), ids=name)
def test_the_python_examples_of_a_page_run_and_print_what_it_shows(page: Path, folder: Path) -> None:
    found = blocks(page)
    lines: list[str] = []
    for block in found:
        if block.language == "python" and block.file is None:
            # The program has its lines where the page has them, so that a traceback names the page's line; the line of
            # the closing fence parts the outputs.
            lines += [""] * (block.line - 1 - len(lines)) + block.content.splitlines() + [r'print("\0")']
    program = folder / f"{page.stem}.md.py"
    program.write_text("\n".join(lines), encoding="utf-8")
    outputs = run_program(page, program).split("\0\n")
    examples = [index for index, block in enumerate(found) if block.language == "python" and block.file is None]
    for index, output in zip(examples, outputs, strict=False):
        after = found[index + 1] if index + 1 < len(found) else None
        if after is not None and after.language == "text" and not after.gap:
            assert shape(after.content) == shape(output), f"{name(page)}:{after.line} should show\n{output}"


@pytest.mark.parametrize("page", having("console", PAGES), ids=name)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, folder: Path) -> None:
    status = 0
    for block in blocks(page):
        if block.language == "console":
            status = run_commands(page, block, folder, status)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.zh.md")), ids=name)
def test_a_page_in_chinese_shows_what_the_english_one_does(page: Path) -> None:
    assert [(block.language, block.content) for block in blocks(page)] == [
        (block.language, block.content) for block in blocks(page.with_name(page.name.replace(".zh", "")))
    ]


# The page trains: minutes on two cores.
@pytest.mark.full
@pytest.mark.parametrize("page", [page for page in GUIDES if in_order(page) and ".zh" not in page.name], ids=name)
def test_a_page_of_programs_and_commands_runs_in_its_order(page: Path, folder: Path) -> None:
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.language == "console":
            run_commands(page, block, folder, 0)
        elif block.language == "python":
            program = folder / f"{page.stem}.py"
            program.write_text(block.content, encoding="utf-8")
            told = run_program(page, program)
            if after is not None and after.language == "text" and not after.gap:
                assert shape(after.content) == shape(told), f"{name(page)}:{after.line} should show\n{told}"


def run_commands(page: Path, block: Block, folder: Path, status: int) -> int:
    """Holds the commands of a block against what it shows; takes and returns the exit code of the last one."""
    for part in re.split(r"^\$ ", block.content, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        if command == "echo $?":
            assert shown.strip() == str(status), f"{name(page)}:{block.line}: the exit code is {status}"
            continue
        words = shlex.split(command)
        assert words[0] == "zoo", f"{name(page)}:{block.line}: only zoo is run in a console block, not {words[0]}"
        status, told = run_zoo(page, words[1:], folder)
        assert shape(shown) == shape(told), f"{name(page)}:{block.line}: {command} prints\n{told}"
    return status


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command, info_name="zoo", help_option_names=["-h", "--help"])
    options = (
        option
        for parameter in command.get_params(context)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    )
    return set(options)


@functools.cache
def every_command() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    waiting: list[tuple[str, click.Command]] = [("zoo", cli)]
    while waiting:
        path, command = waiting.pop()
        found[path] = command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for child in command.list_commands(context):
                inner = command.get_command(context, child)
                assert inner is not None
                waiting.append((f"{path} {child}", inner))
    return found


def faults_of_zoo_command(words: list[str]) -> list[str]:
    """Names the options that the command line does not know where the words use them."""
    known = every_command()
    path, faults = "zoo", list[str]()
    for word in words[1:]:
        if word.startswith("-"):
            faults += [] if word.partition("=")[0] in options_of(known[path]) else [f"{path} has no option {word}"]
        elif isinstance(known[path], click.Group) and f"{path} {word}" in known:
            path = f"{path} {word}"
        elif path == "zoo":
            return [*faults, f"zoo has no command {word}"]
    return faults


def test_the_check_of_commands_finds_what_does_not_exist() -> None:
    assert faults_of_zoo_command(["zoo", "--debug", "plugins", "check", "-h"]) == []
    assert faults_of_zoo_command(["zoo", "paint", "x"]) == ["zoo has no command paint"]
    assert faults_of_zoo_command(["zoo", "predict", "x", "--fast"]) == ["zoo predict has no option --fast"]
    assert faults_of_zoo_command(["zoo", "list-models", "--model=x"]) == ["zoo list-models has no option --model=x"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_exists(page: Path) -> None:
    targets = re.findall(r"^([\w-]+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    faults: list[str] = []
    for block in blocks(page):
        for command in commands(block) if block.language in ("sh", "console") else []:
            words = [word for word in shlex.split(command, comments=True) if not re.match(r"[A-Z_]+=", word)]
            program = Path(words[0]).name
            if program == "zoo":
                faults += faults_of_zoo_command(words)
            elif program == "make":
                faults += [f"make has no target {word}" for word in words[1:] if word not in targets]
            elif program.startswith("python") and words[1].endswith(".py"):
                faults += [] if (REPO / words[1]).is_file() else [f"{words[1]} does not exist"]
            else:
                assert program in ("echo", "python", "python3", "pip", "mkdocs"), f"{name(page)}: what is {program}?"
    assert faults == []


def test_the_page_of_commands_has_every_command_and_every_option_and_no_other() -> None:
    sections = re.split(r"^## `(zoo[\w -]*)`\n", (DOCS / "commands.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert sorted(shown) == sorted(every_command())
    for path, command in every_command().items():
        rows = re.findall(r"^\| (`-[^|]*) \|", shown[path].split("\n## ")[0], re.MULTILINE)
        listed = {option for row in rows for option in re.findall(r"`(-[\w-]+)`", row)}
        assert listed == options_of(command), path


def test_quoted_files_are_the_files() -> None:
    quoted = [(page, block) for page in PAGES for block in blocks(page) if block.file is not None]
    for page, block in quoted:
        assert block.content == (REPO / str(block.file)).read_text(encoding="utf-8"), f"{name(page)}:{block.line}"
    example = DOCS / "examples" / "zoo-plugin-fcn"
    files = {path for kind in ("*.toml", "*.py") for path in example.rglob(kind)}
    assert {REPO / str(block.file) for _, block in quoted} >= files


_ALONE = """
import runpy, sys
# What other engines need is not there, nor what would report the use of OpenVINO.
sys.modules.update(dict.fromkeys(("zoo", "paddle", "cv2", "openvino_telemetry")))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("form", "file"), [("onnx", "inference.onnx"), pytest.param("openvino", "model.xml", marks=pytest.mark.full)]
)
def test_the_script_without_zoo_gives_the_mask_of_zoo(
    form: str, file: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [script] = [block.content for block in blocks(DOCS / "bundles.md") if str(block.file).endswith("mask.py")]
    (folder / "mask.py").write_text(script, encoding="utf-8")
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    # Made smaller, as it is, and made larger with sides that are no multiples of anything.
    with Image.open("street.jpg") as street:
        street.crop((0, 0, 640, 448)).save("same.png")
        street.crop((300, 100, 817, 433)).save("odd.png")
    with zoo.load("starter", backend=form.replace("onnx", "onnxruntime"), threads=1) as model:
        convert_bundle(model.bundle, form, converter(form))
        for picture in ("street.jpg", "same.png", "odd.png"):
            code, told = in_a_process(["-c", _ALONE, "mask.py", f"{form}/{file}", picture, "mask.png"], folder)
            assert (code, told) == (0, "")
            with Image.open("mask.png") as mask:
                assert np.array_equal(np.asarray(mask), model.predict(picture).one().mask), picture


def test_the_picture_on_the_first_screen_is_what_zoo_makes(street: Path) -> None:
    with zoo.load("starter", threads=1) as model:
        made = Image.fromarray(model.predict(street).one().side())
    with Image.open(DOCS / "overlay.jpg") as shown:
        small = np.asarray(made.resize(shown.size, Image.Resampling.LANCZOS), np.float32)
        assert np.abs(small - np.asarray(shown, np.float32)).mean() < 3
    for page in ("README.md", "README.zh.md"):
        assert "](docs/overlay.jpg)" in "".join((REPO / page).read_text(encoding="utf-8").splitlines()[:12])


def test_the_photo_on_the_first_screen_is_what_zoo_makes(shared: Path) -> None:
    photo = shared / "data" / "photos" / "street" / "street_stop_sign.jpg"
    with zoo.load("starter", threads=1) as model:
        made = model.predict(photo).one().plot().convert("RGB")
    with Image.open(DOCS / "photo.jpg") as shown:
        small = np.asarray(made.resize(shown.size, Image.Resampling.LANCZOS), np.float32)
        assert np.abs(small - np.asarray(shown, np.float32)).mean() < 5


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    faults: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.is_file():
            faults.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(place):
            faults.append(f"{target}: no such heading")
        elif page.is_relative_to(DOCS) and not place.is_relative_to(DOCS):
            faults.append(f"{target}: outside the pages that are built into a site")
    assert faults == []


def test_the_navigation_has_every_page() -> None:
    settings = yaml.safe_load((REPO / "mkdocs.yml").read_text(encoding="utf-8"))
    entries = [content for entry in settings["nav"] for content in entry.values()]
    pages = [page for content in entries if isinstance(content, list) for entry in content for page in entry.values()]
    pages += [content for content in entries if isinstance(content, str)]
    assert sorted(pages) == sorted(page.relative_to(DOCS).as_posix() for page in SITE)


@pytest.mark.parametrize(
    ("page", "names"),
    [("python.md", set(zoo.__all__)), ("plugins.md", set(zoo.plugin.__all__))],
    ids=["zoo", "zoo.plugin"],
)
def test_every_public_name_is_described(page: str, names: set[str]) -> None:
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", prose(DOCS / page)))))
    assert names - words == set()


def test_every_key_of_documents_and_settings_is_described() -> None:
    from zoo.bundle.bundle import read_bundle
    from zoo.bundle.section import bundle_section

    schema = json.loads((REPO / "zoo" / "results" / "result.schema.json").read_text(encoding="utf-8"))
    properties = schema["properties"]
    keys = {*properties, *properties["mask"]["properties"], *properties["classes"]["items"]["properties"]}
    assert keys - set(re.findall(r"`(\w+)`", prose(DOCS / "results.md"))) == set()
    section = bundle_section(read_bundle(REPO / "plugins" / "zoo-plugin-starter" / "zoo_plugin_starter" / "bundle"))
    assert set(section) - set(re.findall(r"`(\w+)`", prose(DOCS / "bundles.md"))) == set()

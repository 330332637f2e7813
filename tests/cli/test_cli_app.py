"""`zoo` itself: its help, what it makes of mistakes, how much it says, and completion in shells."""

from __future__ import annotations

import inspect
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image
from test_docs import every_command, options_of

from scenes import draw_scene
from zoo.cli.app import cli
from zoo.cli.cells import cells
from zoo.cli.commands.completion import BACKEND, DEVICE, FORMATS, LABELS, PATHS, PIPELINE
from zoo.cli.notes import on_the_command_line

REPO = Path(__file__).resolve().parents[2]
HEAVY = {"PIL", "numpy", "paddle", "requests", "rich", "yaml"}


def zoo(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env={**os.environ, "ZOO_LANG": "en", "PYTHONIOENCODING": "utf-8", **more},
        cwd=REPO,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A PYTHONPATH with two plugins more: one is broken, one tells the log what it does."""
    for name, source in {
        "broken": "raise OSError('no luck')",
        "chatty": "import logging\nlogging.getLogger('zoo.chatty').debug('digging')\n"
        "logging.getLogger('zoo.chatty').info('at work')\nimport warnings\nwarnings.warn('old')\nzoo_families = None",
    }.items():
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo.models]\n{name} = {name}\n")
        (tmp_path / f"{name}.py").write_text(source)
    return f"{tmp_path}{os.pathsep}{REPO}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_help_fits_a_terminal_of_80_by_24_with_the_prompt(language: str) -> None:
    done = zoo("--help", ZOO_LANG=language, COLUMNS="80")
    lines = done.stdout.splitlines()
    assert len(lines) <= 23
    assert max(map(cells, lines)) <= 80
    context = click.Context(cli)
    # What is needed once, and what is for developers, is in their pages.
    for name in {*cli.list_commands(context)} - {"completion", "new-plugin", "registry"}:
        (line,) = (line for line in lines if re.match(rf"\S* +(\S+, )?{name},? ", line))
        # Each has its words on the same line.
        assert len(line.split()) > 1


def test_the_help_groups_the_commands_and_each_of_them_exists() -> None:
    lines = zoo("--help", COLUMNS="80").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:] if line[:1].strip()] == [
        "Use",
        "Models",
        "Upkeep",
        "Options",
    ]
    context = click.Context(cli)
    use = "predict tiff serve pipeline evaluate compare recommend data select train optimize export download"
    names = f"{use} list-models info cache lock pack doctor"
    assert cli.list_commands(context) == [*names.split(), "devices", "plugins", "completion", "new-plugin", "registry"]
    assert all(cli.get_command(context, name) for name in cli.list_commands(context))


def test_a_long_line_of_a_group_wraps_below_its_words() -> None:
    lines = zoo("--help", COLUMNS="60").stdout.splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert any(line.startswith(" " * 27) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["predic", "x.jpg"], "No such command 'predic'. Did you mean predict?"),
        (["models"], "No such command 'models'. Did you mean list-models?"),
        (["list_models"], "Did you mean list-models?"),
        (["cache", "verifi"], "verify"),
        (["pipeline", "shema"], "schema"),
        (["registry", "chek"], "check"),
        (["--vebose", "info"], "--verbose"),
        (["info", "x", "--quiet"], "It stands before the command: zoo --quiet info"),
        # A root option comes first, whatever an option of the command looks like it.
        (["predict", "x", "--debug"], "No such option '--debug'. It stands before the command: zoo --debug predict\n"),
        (["predict", "x", "--version"], "It stands before the command: zoo --version predict\n"),
        (["cache", "ls", "--verbose"], "It stands before the command: zoo --verbose cache ls\n"),
        (["list"], "Did you mean list-models?"),
        (["--piepline", "semantic_segmentation", "--input", "x"], "Did you mean '--pipeline'?"),
        (["--get_pipeline_confg", "x"], "Did you mean '--get-pipeline-config'?"),
        (["--input", "x"], "It belongs to a command: zoo predict X\n"),
        (["--save_path", "x"], "It belongs to a command: zoo predict X --save-path\n"),
        (["--verbse"], "'--verbose'"),
        (["train", "x"], "MODEL, DATA and -o are needed, or --resume."),
        (["benchmark", "starter"], "zoo optimize MODEL measures the engines"),
        (["convert"], "Did you mean export?"),
        (["ls"], "Did you mean list-models?"),
        (["val"], "Did you mean evaluate?"),
        (["infer"], "Did you mean predict?"),
        (["--list-models"], "It is a command: zoo list-models"),
        (["-V"], "Did you mean '--version'?"),
        (["predict", "x", "--output", "y"], "Did you mean '--save-path'?"),
        (["predict", "x", "--save_dir", "y"], "Did you mean '--save-path'?"),
        (["export", "x", "--save-dir", "y"], "Did you mean '--output'?"),
        (["predict", "x", "--conf", "0.5"], "Did you mean '--min-score'?"),
        (["predict", "--source", "x"], "Did you mean '--input'?"),
        (["predict", "-i", "x"], "Did you mean '--input'?"),
        (["predict", "x", "-m", "starter"], "Did you mean '--model'?"),
        (["predict", "x", "--gpu"], "Did you mean '--device'?"),
        (["evaluate", "x", "--dataset", "y"], "Did you mean '--data'?"),
        (["predict", "x", "--alpha", "0.3"], "Did you mean '--opacity'?"),
        (["predict", "x", "--transparency", "0.3"], "Did you mean '--opacity'?"),
        (["predict", "x", "--contour"], "Did you mean '--outline'?"),
        (["predict", "x", "--overlap", "64"], "Did you mean '--stride'?"),
        (["predict", "x", "--imgsz", "64"], "Did you mean '--window'?"),
        (["predict", "-f", "x"], "Did you mean '--input'?"),
        (["predict", "x", "--show"], "zoo predict opens no window. Save the overlay: -o FOLDER --save overlay"),
        (["predict", "x", "--half"], "Did you mean '--precision bf16'?"),
        (["doctor", "x", "--int8"], "Did you mean '--precision int8'?"),
        (["predict", "x", "--use_hpip"], "Did you mean '--use-hpip'?"),
        (["predict", "x", "--precision", "fp16"], "'bf16', 'int8'. Did you mean bf16?"),
        (["optimize", "x", "--precision", "FP32"], "'bf16', 'int8'. Did you mean float32?"),
        (["predict", "x", "--precision", "fp64"], "'bf16', 'int8'.\n"),
        (["predict", "x", "--color-blind"], "It is a palette: --palette colorblind"),
        (["predict", "x", "--palette", "colourblind"], "Did you mean colorblind?"),
        (["predict", "x", "--palette", "color-blind"], "Did you mean colorblind?"),
        (["predict", "x", "--save", "polygon"], "Did you mean labelme or geojson?"),
        (["predict", "x", "--save_path", "y"], "Did you mean '--save-path'?"),
        (["predict", "x", "--model_dir", "y"], "Did you mean '--model'?"),
        (["predict", "x", "-o", "-"], "Results are written to files: give -o a folder or a file."),
        (["export", "x", "-m", "y"], "Did you mean '--weights'?"),
        (["export", "x", "--checkpoint", "y"], "Did you mean '--weights'?"),
        (["export", "x", "--save_path", "y"], "Did you mean '--output'?"),
        (["install", "PP-LiteSeg-T"], "Did you mean download?"),
        (["help"], "zoo --help"),
        (["version"], "Run: zoo --version"),
        (["street.jpg"], "Did you mean zoo predict street.jpg?"),
        (["zzzzzz"], "No such command 'zzzzzz'.\n"),
    ],
)
def test_a_misspelt_command_or_option_gets_a_suggestion(arguments: list[str], meant: str) -> None:
    done = zoo(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert meant in done.stderr


@pytest.mark.parametrize(
    ("in_python", "shown"),
    [
        ("Use device='cpu'  (no plugin)", "Use --device cpu  (no plugin)"),
        ("Use flip=False and scales=(1.0,), or export it", "Use --no-flip and --scales 1.0, or export it"),
        ("Use scales=(0.75, 1)", "Use --scales 0.75,1"),
        ("Use window=(512, 1024)  (height, width)", "Use --window 512 1024  (height, width)"),
        ("Use value_range=(LOW, HIGH), or value_range='auto'.", "Use --range LOW HIGH, or --range auto."),
        ("Allow it: max_pixels=NUMBER, or ZOO_MAX_PIXELS.", "Allow it: --max-pixels NUMBER, or ZOO_MAX_PIXELS."),
        ("Read its sub-folders too: recursive=True.", "Read its sub-folders too: --recursive."),
        ("Give a font: font=FILE", "Give a font: --font FILE"),
        ("Or the one of zoo: model='starter'", "Or the one of zoo: --model starter"),
        ("Use scores=True", "Use --scores"),
        ("Use a smaller picture or streams=1", "Use a smaller picture or --streams 1"),
        ("Run: pip install x==1.0", "Run: pip install x==1.0"),
        ("Give NAME='x'", "Give NAME='x'"),
    ],
)
def test_a_hint_names_the_options_of_the_command_line(in_python: str, shown: str) -> None:
    assert on_the_command_line(in_python) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "no.jpg"],
        ["predict", "-", "--model", "no/such"],
        ["predict", "-", "--model", "no.pdparams"],
        ["predict", "-", "--pipeline", "no.yaml"],
        ["info", "./no"],
        ["evaluate", "starter", "--data", "no.txt"],
        ["export", "PP-LiteSeg-T", "--weights", "no.pdparams", "--output", "out"],
        ["pack", "show", "no.zoo"],
    ],
    ids=" ".join,
)
def test_a_path_that_does_not_exist_is_called_so(arguments: list[str]) -> None:
    done = zoo(*arguments)
    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_a_path_that_is_mistyped_is_told_before_a_model_is_opened(tmp_path: Path) -> None:
    done = zoo("predict", "no.jpg", "--model", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("no.jpg does not exist.")


def test_every_option_of_every_command_is_suggested_for_its_near_miss() -> None:
    for path, command in every_command().items():
        for option in sorted(word for word in options_of(command) if word.startswith("--") and len(word) > 5):
            wrong = option[:-2] + option[-1] + "q"
            done = CliRunner().invoke(cli, [*path.split()[1:], wrong], prog_name="zoo", env={"ZOO_LANG": "en"})
            assert done.exit_code == 2
            assert f"'{option}'" in done.output, (path, wrong, done.output)


def test_the_documented_flags_without_a_command_are_predict() -> None:
    assert zoo("--pipeline", "semantic_segmentation", "--help").stdout.startswith("Usage: zoo predict ")
    done = zoo("--pipeline", "no_such_pipeline", "--input", "x.jpg", "--device", "cpu")
    assert done.returncode == 1
    assert "no_such_pipeline" in done.stderr


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    Image.fromarray(draw_scene(4, 48, 64).image).save(path)
    return path


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "line", ["--help", "list-models --json", pytest.param("predict {picture} --json", marks=pytest.mark.full)]
)
def test_an_output_that_cannot_be_written_is_told_in_two_lines(line: str, unbuffered: str, street: Path) -> None:
    command = f"'{sys.executable}' -m zoo {line.format(picture=street)}"
    for place, reason in (("/dev/full", "No space left on device"), ("&- <&-", "")):
        done = subprocess.run(
            ["sh", "-c", f"exec {command} >{place}"],
            env={**os.environ, "ZOO_LANG": "en", "PYTHONUNBUFFERED": unbuffered, "PYTHONIOENCODING": "utf-8"},
            cwd=REPO,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        told = f"Standard output cannot be written: {reason}.\nFree some space, or send it somewhere else.\n"
        assert done.returncode == (1 if reason else 0), done.stderr
        assert done.stderr.endswith(told if reason else ""), done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr


def test_an_error_that_nobody_can_read_is_still_an_exit_code() -> None:
    for place in ("2>&-", "2>/dev/full", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"):
        command = f"exec '{sys.executable}' -m zoo info no-such-model {place}"
        assert subprocess.run(["sh", "-c", command], cwd=REPO, timeout=60, check=False).returncode == 1, place


def test_quiet_leaves_data_and_errors(site: str, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    loud, quiet = zoo("cache", "ls", ZOO_HOME=home), zoo("--quiet", "cache", "ls", ZOO_HOME=home)
    assert loud.stdout == quiet.stdout != ""
    assert (loud.stderr, quiet.stderr) == (f"0 in {home}, 0.0 MB\n", "")
    warned, quiet = (zoo(*words, "list-models", "-q", PYTHONPATH=site) for words in ([], ["-q"]))
    assert warned.stdout == quiet.stdout != ""
    assert "could not be loaded" in warned.stderr
    assert quiet.stderr == ""
    done = zoo("-q", "info", "nothing", PYTHONPATH=site)
    assert (done.returncode, done.stderr) == (1, "No model is called 'nothing'.\nRun: zoo list-models\n")
    checked = zoo("-q", "plugins", "check", PYTHONPATH=site)
    assert checked.returncode == 1
    assert "caused by OSError: no luck" in checked.stderr
    assert "problems" not in checked.stderr


def test_verbose_says_what_is_done_and_debug_everything(site: str) -> None:
    said = {option: zoo(*option.split(), "info", "nothing", PYTHONPATH=site).stderr for option in ("", "-v", "--debug")}
    assert "at work" not in said[""]
    assert "at work\n" in said["-v"]
    assert "digging" not in said["-v"]
    assert "Traceback" not in said["-v"]
    for line in ("zoo.chatty DEBUG: digging\n", "zoo.chatty INFO: at work\n", "Traceback (most recent call last)"):
        assert line in said["--debug"]
    assert zoo("-q", "-v", "info", "starter").returncode == 2


def test_the_log_is_left_as_it_was_found() -> None:
    import logging

    logger = logging.getLogger("zoo")
    before = logger.level, list(logger.handlers)
    assert CliRunner().invoke(cli, ["--debug", "cache", "dir"], env={"ZOO_LANG": "en"}).exit_code == 0
    assert (logger.level, logger.handlers) == before


def prints_a_table(function: types.FunctionType, seen: set[str]) -> bool:
    """Returns whether a function calls echo_table, itself or through others of its module."""
    for name in function.__code__.co_names:
        found = function.__globals__.get(name)
        if name == "echo_table":
            return True
        if inspect.isfunction(found) and found.__module__ == function.__module__ and name not in seen:
            seen.add(name)
            if prints_a_table(found, seen):
                return True
    return False


def test_every_command_that_prints_a_table_prints_json_too() -> None:
    tables = {
        path: options_of(command)
        for path, command in every_command().items()
        if command.callback is not None and prints_a_table(inspect.unwrap(command.callback), set())
    }
    assert {"zoo list-models", "zoo cache ls", "zoo plugins", "zoo download"} <= set(tables)
    assert [path for path, options in tables.items() if "--json" not in options] == []


# Completion.


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with the program `zoo` of this tree."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "zoo"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{REPO}:$PYTHONPATH" exec "{sys.executable}" -m zoo "$@"\n')
    path.chmod(0o755)
    return folder


def completed(line: str, program: Path, folder: Path, shell: str = "bash") -> list[str]:
    """Returns what a shell offers at the end of a line."""
    words = line.split(" ")
    script = 'eval "$(zoo completion bash)"; compopt() { COMPREPLY=("($2)"); }; _zoo_completion zoo'
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        [
            shell,
            "--norc",
            "-c",
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; {script}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        ],
        env={**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "ZOO_LANG": "en"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("zoo p", ["predict", "pipeline", "pack", "plugins"]),
        ("zoo cache v", ["verify"]),
        ("zoo --de", ["--debug"]),
        ("zoo predict --save-p", ["--save-path"]),
        ("zoo list-models --sort m", ["miou"]),
        ("zoo info PP-LiteSeg-", ["PP-LiteSeg-B", "PP-LiteSeg-T"]),
        ("zoo info pp-liteseg-b", ["PP-LiteSeg-B"]),
        ("zoo predict a.jpg --model star", ["starter"]),
        ("zoo download starter ocr", ["OCRNet_HRNet-W18", "OCRNet_HRNet-W48"]),
        ("zoo --quiet lock Sea", ["SeaFormer_base", "SeaFormer_large", "SeaFormer_small", "SeaFormer_tiny"]),
        ("zoo evaluate starter --data l", ["(default)"]),  # files, by the shell
        ("zoo evaluate starter --truth-labels f", ["from-one"]),
        ("zoo info ./exp", ["(default)"]),
        ("zoo info no-such-model", ["(default)"]),
        ("zoo completion z", ["zsh"]),
        ("zoo predict --backend p", ["paddle"]),
        ("zoo doctor starter --backend ", ["auto", "paddle"]),
        ("zoo lock --backend a", ["auto"]),
        ("zoo evaluate starter --precision ", ["float32", "bf16", "int8"]),
        ("zoo doctor starter --precision b", ["bf16"]),
        ("zoo predict s", ["(default)"]),
        ("zoo predict a.jpg --save overlay,m", ["overlay,mask"]),
    ],
)
def test_bash_completes_commands_options_models_and_files(
    line: str, offered: list[str], program: Path, tmp_path: Path
) -> None:
    assert completed(line, program, tmp_path) == offered


@pytest.mark.parametrize(
    ("type_of_value", "begun", "offered"),
    [
        (PATHS, "s", ["file"]),
        (PIPELINE, "sem", ["semantic_segmentation"]),
        (PIPELINE, "s", ["semantic_segmentation", "street.yaml"]),
        (PIPELINE, "./s", ["file"]),
        (PIPELINE, "other", ["file"]),
        (LABELS, "city", ["cityscapes-ids", "cityscapes-trainids"]),
        (LABELS, "str", ["street.yaml"]),
        (LABELS, "../", ["file"]),
        (DEVICE, "", ["auto", "cpu", "gpu", "mlu", "npu", "xpu"]),
        (DEVICE, "x", ["xpu"]),
        (BACKEND, "", ["auto", "paddle"]),
        (FORMATS, "m", ["mask"]),
        (FORMATS, "overlay,mask,l", ["overlay,mask,labelme", "overlay,mask,labelstudio"]),
        (FORMATS, "mask,m", []),
    ],
)
def test_values_are_completed_from_what_there_is(
    type_of_value: click.ParamType, begun: str, offered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "street.yaml").touch()
    (tmp_path / "street.jpg").touch()
    option = click.Option(["--value"], type=type_of_value)
    items = option.shell_complete(click.Context(click.Command("x", params=[option])), begun)
    assert [item.type if item.type == "file" else item.value for item in items] == offered
    assert option.type.convert("anything", None, None) == "anything"


def test_a_person_at_a_bash_prompt_completes_a_model(program: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "PS1": "$ ", "TERM": "dumb"}
    with subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "INPUTRC": "/dev/null"},
        cwd=tmp_path,
        start_new_session=True,
    ) as shell:
        os.close(theirs)
        try:
            os.write(ours, b'eval "$(zoo completion bash)"; echo rea""dy\n')
            until(ours, "ready")
            os.write(ours, b"echo zoo; zoo info star\t")
            until(ours, "zoo info starter ")
            os.write(ours, b"\n")
            until(ours, "Name           starter")
            os.write(ours, b"exit\n")
            shell.wait(timeout=120)
        finally:
            shell.kill()
            os.close(ours)


def until(terminal: int, text: str) -> None:
    """Reads what a terminal shows until a text is in it."""
    shown, end = "", time.monotonic() + 120
    while text not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_accepts_its_script(shell: str, program: Path, tmp_path: Path) -> None:
    script = zoo("completion", shell)
    assert script.returncode == 0
    assert "_ZOO_COMPLETE" in script.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / f"script.{shell}"
    file.write_text(script.stdout)
    subprocess.run([shell, "-n", str(file)], check=True, timeout=30)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_given_models_with_the_words_of_commands(shell: str) -> None:
    line = {"COMP_WORDS": "zoo info PP-LiteSeg-", "COMP_CWORD": "2" if shell == "zsh" else "PP-LiteSeg-"}
    assert "PP-LiteSeg-T" in zoo(_ZOO_COMPLETE=f"{shell}_complete", **line).stdout
    line = {"COMP_WORDS": "zoo pred", "COMP_CWORD": "1" if shell == "zsh" else "pred"}
    assert "Segment pictures." in zoo(_ZOO_COMPLETE=f"{shell}_complete", **line).stdout
    assert "对图像进行语义分割。" in zoo(_ZOO_COMPLETE=f"{shell}_complete", ZOO_LANG="zh", **line).stdout


def test_a_broken_plugin_says_nothing_in_the_middle_of_a_line(site: str) -> None:
    line = {"COMP_WORDS": "zoo info star", "COMP_CWORD": "2"}
    done = zoo(_ZOO_COMPLETE="bash_complete", PYTHONPATH=site, PYTHONWARNINGS="ignore", **line)
    assert (done.returncode, done.stdout, done.stderr) == (0, "plain,starter\n", "")


@pytest.mark.parametrize(
    "line",
    ["zoo pre", "zoo predict --mo", "zoo predict --model st", "zoo download st", "zoo cache v", "zoo cache rm st"]
    + [f"zoo {command} st" for command in ("pack", "doctor", "evaluate", "export", "info", "lock")],
)
def test_completing_waits_for_no_heavy_package(line: str) -> None:
    words = line.split(" ")
    code = "import sys\nfrom zoo.cli.app import cli\n"
    code += "try: cli(prog_name='zoo')\nfinally: sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "_ZOO_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("plain,")
    assert set(done.stderr.split()) & HEAVY == set()

"""`zoo pipeline` as a person uses it, and the documented flags of PaddleX."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from scenes import draw_scene
from zoo.cli.legacy import translate
from zoo.cli.run_options import given
from zoo.predict.pipeline import builtin_file, read_pipeline
from zoo.predict.pipeline.schema import schema

BUILTIN = builtin_file("semantic_segmentation").read_bytes()


def zoo(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ZOO_LANG": "en", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    options = {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment, **options)


def test_config_writes_the_built_in_file_which_is_read_back(tmp_path: Path) -> None:
    here = zoo("pipeline", "config", "semantic_segmentation", cwd=tmp_path)
    assert (here.returncode, here.stdout, here.stderr) == (0, "semantic_segmentation.yaml\n", "")
    there = zoo("pipeline", "config", "semantic_segmentation", "--save-path", tmp_path / "new" / "folder")
    assert there.stdout == f"{tmp_path}/new/folder/semantic_segmentation.yaml\n"
    assert os.listdir(tmp_path / "new" / "folder") == ["semantic_segmentation.yaml"]
    for file in (tmp_path / "semantic_segmentation.yaml", Path(there.stdout.strip())):
        assert file.read_bytes() == BUILTIN
        assert read_pipeline(file).model == "PP-LiteSeg-T"


def test_config_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    file = tmp_path / "semantic_segmentation.yaml"
    file.write_text("mine")
    arguments = ("pipeline", "config", "semantic_segmentation", "--save-path", tmp_path)
    refused = zoo(*arguments)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        f"{file} exists already and was not touched.",
        "Add -y to replace it, or give another folder: --save-path FOLDER",
    ]
    assert file.read_text() == "mine"
    file.unlink()
    file.symlink_to("nowhere")
    assert zoo(*arguments).returncode == 1
    assert file.is_symlink()
    assert zoo(*arguments, "-y").returncode == 0
    assert file.read_bytes() == BUILTIN


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_config_asks_on_a_terminal(tmp_path: Path, answer: str, code: int) -> None:
    (tmp_path / "semantic_segmentation.yaml").write_text("mine")
    master, slave = pty.openpty()
    try:
        os.write(master, answer.encode())
        ended = zoo("pipeline", "config", "semantic_segmentation", cwd=tmp_path, stdin=slave)
    finally:
        os.close(slave)
        os.close(master)
    assert ended.returncode == code
    assert "semantic_segmentation.yaml exists already. Replace it? [y/N]" in ended.stderr
    assert ended.stdout == ("semantic_segmentation.yaml\n" if code == 0 else "")
    assert (tmp_path / "semantic_segmentation.yaml").read_bytes() == (BUILTIN if code == 0 else b"mine")


def test_config_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "taken" / "semantic_segmentation.yaml").mkdir(parents=True)
    for folder in ("file", "taken"):
        ended = zoo("pipeline", "config", "semantic_segmentation", "--save-path", tmp_path / folder, "-y")
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 2, ended.stderr
    assert os.listdir(tmp_path / "taken") == ["semantic_segmentation.yaml"]


def test_wrong_names_and_wrong_usage(tmp_path: Path) -> None:
    misspelt = zoo("pipeline", "config", "semantic_segmantation", cwd=tmp_path)
    assert misspelt.returncode == 1
    assert misspelt.stderr.splitlines()[1] == "Did you mean semantic_segmentation?"
    for arguments in (("config",), ("config", "x", "--save-path", "p.yaml"), ("schema", "x")):
        assert zoo("pipeline", *arguments, cwd=tmp_path).returncode == 2
    assert os.listdir(tmp_path) == []


def test_schema_is_printed_as_json() -> None:
    ended = zoo("pipeline", "schema")
    assert ended.returncode == 0
    assert json.loads(ended.stdout) == schema()
    Draft202012Validator.check_schema(json.loads(ended.stdout))


def test_neither_command_imports_a_library_it_does_not_need() -> None:
    code = (
        "import sys, zoo.cli.commands.pipeline, zoo.predict.pipeline, zoo.predict.pipeline.schema; print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"numpy", "paddle", "requests", "PIL"} & set(ended.stdout.split())


@pytest.mark.parametrize(
    ("documented", "command"),
    [
        # The tutorial's own lines.
        (
            "--pipeline semantic_segmentation --input makassaridn-road_demo.png --device gpu:0",
            "predict --pipeline semantic_segmentation --input=makassaridn-road_demo.png --device gpu:0",
        ),
        (
            "--pipeline ./semantic_segmentation.yaml --input https://x.invalid/a_b.png",
            "predict --pipeline ./semantic_segmentation.yaml --input=https://x.invalid/a_b.png",
        ),
        ("--get_pipeline_config semantic_segmentation", "pipeline config -- semantic_segmentation"),
        (
            "--get_pipeline_config semantic_segmentation --save_path ./my_path",
            "pipeline config --save-path ./my_path -- semantic_segmentation",
        ),
        (
            "--get_pipeline_config semantic_segmentation --config_save_path ./my_path",
            "pipeline config --save-path ./my_path -- semantic_segmentation",
        ),
        # Their relatives.
        (
            "--input a_b.png --save_path=./o_p --pipeline=p.yaml --batch_size 2 -y",
            "predict --input=a_b.png --save-path=./o_p --pipeline=p.yaml --batch-size 2",
        ),
        (
            "--get-pipeline-config=semantic_segmentation --config-save-path=--config-save-path -y",
            "pipeline config --save-path=--config-save-path -y -- semantic_segmentation",
        ),
        ("--pipeline p --input a --use_hpip", "predict --pipeline p --input=a --use-hpip"),
        ("--pipeline p --enable_hpi --input a", "predict --pipeline p --enable-hpi --input=a"),
        # Inputs stay in their order, and all words after --input up to the next option are inputs.
        (
            "--pipeline p --input d/a.png d/b.jpg street.jpg --model starter",
            "predict --pipeline p --input=d/a.png --input=d/b.jpg --input=street.jpg --model starter",
        ),
        ("--input a --input b --pipeline p c -- d", "predict --input=a --input=b --pipeline p --input=c --input=d"),
        ("--pipeline p --input=-a.png b", "predict --pipeline p --input=-a.png --input=b"),
        ("--pipeline p --input - --scores", "predict --pipeline p --input=- --scores"),
        ("--pipeline p -- --input", "predict --pipeline p --input=--input"),
        ("--debug --pipeline p --input a", "--debug predict --pipeline p --input=a"),
        # Incomplete or contradictory: the real command says what is wrong.
        ("--pipeline", "predict --pipeline"),
        ("--pipeline --input a", "predict --pipeline"),
        ("--pipeline p --device --input a", "predict --pipeline p --device"),
        ("--pipeline p --input", "predict --pipeline p --input"),
        ("--pipeline p --input --device cpu", "predict --pipeline p --input"),
        ("--get_pipeline_config", "pipeline config"),
        ("--get_pipeline_config a --save_path -y", "pipeline config --save-path"),
        ("--get_pipeline_config a --pipeline b --input c", "pipeline config --pipeline b --input c -- a"),
        ("--pipeline p --input a --no_such_flag", "predict --pipeline p --input=a --no-such-flag"),
    ],
)
def test_documented_flags_become_commands(documented: str, command: str) -> None:
    assert translate(shlex.split(documented)) == shlex.split(command)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--version",
        "--debug",
        "predict x.png --pipeline p",
        "--debug predict --pipeline p x.png",
        "pipeline config semantic_segmentation",
        "predict --get_pipeline_config x",
        "list-models --pipeline",
        "--input x --device cpu",
        "-- --pipeline p",
        "--install x",
    ],
)
def test_other_arguments_are_left_alone(arguments: str) -> None:
    assert translate(shlex.split(arguments)) is None


@pytest.mark.parametrize("save", ["", "--save_path made", "--config_save_path=made"])
def test_a_documented_request_for_the_file_really_writes_it(tmp_path: Path, save: str) -> None:
    ended = zoo("--get_pipeline_config", "semantic_segmentation", *save.split(), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / ended.stdout.strip()).read_bytes() == BUILTIN
    assert os.listdir(tmp_path) == (["made"] if save else ["semantic_segmentation.yaml"])


@pytest.mark.parametrize(
    ("documented", "words"),
    [
        (["--get_pipeline_config"], "NAME"),
        (["--get_pipeline_config", "x", "--input", "y"], "--input"),
        (["--pipeline"], "Option '--pipeline' requires an argument."),
        (["--pipeline", "--input", "x"], "Option '--pipeline' requires an argument."),
        (["--pipeline", "semantic_segmentation", "--input", "--model", "starter"], "Option '--input' requires"),
    ],
)
def test_wrong_documented_flags_are_refused_by_the_real_command(documented: list[str], words: str) -> None:
    ended = zoo(*documented)
    assert ended.returncode == 2
    assert words in ended.stderr.splitlines()[-1]


def test_only_what_was_said_on_the_command_line_counts_as_given() -> None:
    @click.command()
    @click.option("--device", default="cpu")
    @click.option("--threads", type=int, envvar="TEST_THREADS")
    @click.option("--backend", default="auto")
    @click.pass_context
    def command(ctx: click.Context, **_: object) -> None:
        click.echo(json.dumps(given(ctx)))

    from click.testing import CliRunner

    ended = CliRunner().invoke(command, ["--device", "cpu"], env={"TEST_THREADS": "2"})
    assert json.loads(ended.output) == {"device": "cpu", "threads": 2}


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_documented_flags_take_the_inputs_in_their_order(tmp_path: Path) -> None:
    for name in ("c.jpg", "a.jpg", "b.jpg"):
        Image.fromarray(draw_scene(4, 48, 64).image).save(tmp_path / name)
    flags = ["--pipeline", "semantic_segmentation", "--input", "c.jpg", "a.jpg", "b.jpg", "--model", "starter"]
    ended = zoo(*flags, "--save_path", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    places = [ended.stdout.find(f"{name}_overlay.png") + ended.stdout.find(f"{name}.jpg") for name in "cab"]
    assert places == sorted(places)

"""Options: one table, one rule for a value wherever it comes from, and everything else generated from it."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from option_files import REPO, generated

import zoo
from zoo.cli.run_options import given, run_options
from zoo.errors import ConfigError
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.options import BY_NAME, OPTIONS, Option, names_of, options_of
from zoo.predict.pipeline import PipelineConfig, read_pipeline
from zoo.predict.values import given_value
from zoo.registry.formats import format_names
from zoo.results import Result

ZOO = REPO / "zoo"


@pytest.mark.parametrize("path", sorted(generated()))
def test_what_follows_from_the_table_is_as_generated(path: str) -> None:
    assert (REPO / path).read_text(encoding="utf-8") == generated()[path], "Run: make options"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_default_follows_its_rule_and_is_the_form_that_is_kept(option: Option) -> None:
    assert given_value(option.name, option.default) == option.default
    assert option.help.endswith(".")


def test_the_opacity_is_that_of_overlays_in_python() -> None:
    assert BY_NAME["save_opacity"].default == inspect.signature(Result.overlay).parameters["opacity"].default


def test_signatures_are_those_of_the_table() -> None:
    predict = inspect.signature(Model.predict).parameters
    assert set(predict) == {"self", "source", *names_of("predict")}
    load = inspect.signature(zoo.load).parameters
    for parameter in [*list(predict.values())[2:], *(load[name] for name in names_of("load"))]:
        assert parameter.default == BY_NAME[parameter.name].default, parameter.name
    by_position = [name for name, each in predict.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert by_position == ["self", "source", "batch_size", "on_error"]


#: Values of options with whether they are possible, and how the command line spells them.
VALUES: list[tuple[str, Any, bool, list[str]]] = [
    ("batch_size", 4, True, ["--batch-size", "4"]),
    ("batch_size", "auto", True, ["--batch-size", "auto"]),
    ("batch_size", 0, False, ["--batch-size", "0"]),
    ("batch_size", 65537, False, ["--batch-size", "65537"]),
    ("on_error", "skip", True, ["--on-error", "skip"]),
    ("on_error", "ignore", False, ["--on-error", "ignore"]),
    ("flip", True, True, ["--flip"]),
    ("flip", False, True, ["--no-flip"]),
    ("min_score", 0.25, True, ["--min-score", "0.25"]),
    ("min_score", 1.5, False, ["--min-score", "1.5"]),
    ("window", [64, 128], True, ["--window", "64", "128"]),
    ("window", [0, 128], False, ["--window", "0", "128"]),
    ("window", [64, 65537], False, ["--window", "64", "65537"]),
    ("scales", [0.5, 16.0], True, ["--scales", "0.5,16"]),
    ("scales", [0.0], False, ["--scales", "0"]),
    ("scales", [16.5], False, ["--scales", "16.5"]),
    ("scales", [1.0] * 64, True, ["--scales", ",".join(["1"] * 64)]),
    ("scales", [1.0] * 65, False, ["--scales", ",".join(["1"] * 65)]),
    ("value_range", [0, 10000], True, ["--range", "0", "10000"]),
    ("value_range", [-1000, 0.5], True, ["--range", "-1000", "0.5"]),
    ("value_range", "auto", True, ["--range", "auto"]),
    ("value_range", "auto", True, ["--range=auto", "--flip"]),
    ("value_range", [7, 7], False, ["--range", "7", "7"]),
    ("value_range", [9, 0], False, ["--range", "9", "0"]),
    ("value_range", ["auto", 9], False, ["--range", "9", "auto"]),
    ("value_range", "some", False, ["--range", "some"]),
    ("max_pixels", 2_000_000_000, True, ["--max-pixels", "2000000000"]),
    ("max_pixels", 0, False, ["--max-pixels", "0"]),
    ("threads", 4096, True, ["--threads", "4096"]),
    ("threads", 0, False, ["--threads", "0"]),
    ("threads", 4097, False, ["--threads", "4097"]),
    ("labels", "cityscapes-ids", True, ["--labels", "cityscapes-ids"]),
    ("palette", "colorblind", True, ["--palette", "colorblind"]),
    ("save_tolerance", 0.5, True, ["--tolerance", "0.5"]),
    ("save_tolerance", -1.0, False, ["--tolerance", "-1"]),
    ("save_min_area", 9, True, ["--min-area", "9"]),
    ("save_min_area", -9, False, ["--min-area", "-9"]),
    ("save_coordinates", "map", True, ["--coordinates", "map"]),
    ("save_coordinates", "globe", False, ["--coordinates", "globe"]),
    ("save_opacity", 0.25, True, ["--opacity", "0.25"]),
    ("save_opacity", 1.5, False, ["--opacity", "1.5"]),
    ("save_outline", False, True, ["--no-outline"]),
    ("save_names", True, True, ["--names"]),
    ("save_legend", False, True, ["--no-legend"]),
    ("save_font", "/fonts/a.ttf", True, ["--font", "/fonts/a.ttf"]),
    ("save_kinds", ["mask", "coco"], True, ["--save", "mask,coco"]),
    ("save_kinds", ["mask", "gif"], False, ["--save", "mask,gif"]),
    ("save_kinds", ["json", "labelme"], False, ["--save", "json,labelme"]),
]


@pytest.mark.parametrize(("name", "value", "possible", "words"), VALUES)
def test_one_rule_holds_in_python_in_files_and_on_the_command_line(
    name: str, value: Any, possible: bool, words: list[str], tmp_path: Path
) -> None:
    """And the same value comes of all three."""
    key, _, inner = (BY_NAME[name].key or name).partition(".")
    document = {"zoo": 1, "model": "starter", key: {inner: value} if inner else value}
    file = tmp_path / "p.yaml"
    file.write_text(json.dumps(document))
    doors = {
        "Python": lambda: PipelineConfig("starter").override(**{name: value}),
        "file": lambda: read_pipeline(file),
        "command line": lambda: from_command_line(words),
    }
    if name in names_of("predict"):
        doors["predict"] = lambda: RunOptions.of(**{name: value})
    if possible:
        assert len({repr(getattr(door(), name)) for door in doors.values()}) == 1
        return
    for door in doors.values():
        with pytest.raises((ConfigError, click.UsageError)):
            door()


def from_command_line(words: list[str]) -> PipelineConfig:
    """What `zoo predict` makes of its words, or what it refuses them with."""

    @click.command()
    @run_options("predict")
    @click.pass_context
    def command(ctx: click.Context, **_: Any) -> PipelineConfig:
        return PipelineConfig("starter").override(**given(ctx))

    return command.main(words, standalone_mode=False)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("window", 512, (512, 512)),
        ("window", np.array([64, 32]), (64, 32)),
        ("scales", 2, (2,)),
        ("scales", np.array([0.5, 1.0]), (0.5, 1.0)),
        ("batch_size", np.int64(3), 3),
        ("min_score", np.float32(0.5), 0.5),
        ("flip", np.bool_(True), True),
        ("skip", len, len),
    ],
)
def test_a_pipeline_and_a_model_take_the_same_forms(name: str, value: Any, kept: Any) -> None:
    run = RunOptions.of(**{name: value})
    config = PipelineConfig("starter").override(**{name: value})
    assert getattr(run, name) == getattr(config, name) == kept
    assert config.predict_arguments() == {name: kept}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": True}, "`batch_size` is True; expected a whole number from 1 to 65536 or auto"),
        ({"batch_size": None}, "`batch_size` is None"),
        ({"flip": "no"}, "`flip` is 'no'; expected True or False"),
        ({"min_score": "0.5"}, "`min_score` is '0.5'; expected a number from 0 to 1"),
        ({"window": (512,)}, r"`window` is \[512\]"),
        ({"stride": "64"}, "`stride` is '64'"),
        ({"value_range": (5, 5)}, "`value_range` is .*; expected the value of black and then a higher one, of white"),
        ({"scales": "1"}, "`scales` is '1'"),
        ({"scales": ()}, r"`scales` is \[\]; expected .* or a list of 1 to 64 values"),
        ({"labels": 5}, "`labels` is 5; expected text"),
        ({"labels": ["road"]}, r"`labels` is \['road'\]; expected text"),
        ({"palette": 5}, "`palette` is 5; expected a list"),
        ({"palette": "#000000"}, "`palette` is '#000000'; expected a list"),
        ({"scales": (1.0, float("nan"))}, r"`scales\[1\]` is nan"),
        ({"skip": "x"}, "`skip` is 'x'; expected a function"),
        ({"live": True, "batch_size": 2}, "`batch_size` is 2; expected 1 with `live`"),
    ],
)
def test_a_value_that_is_not_possible_is_named_with_what_is(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunOptions.of(**options)


@pytest.mark.parametrize("options", [{"labels": 5}, {"labels": ["road"]}, {"palette": 5}, {"palette": "#000000"}])
def test_a_pipeline_refuses_what_is_neither_classes_nor_colours(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"`(labels|palette)` is .*; expected"):
        PipelineConfig("starter").override(**options)


def test_a_model_is_opened_with_the_numbers_that_its_rule_makes() -> None:
    with zoo.load("starter", threads=np.float64(2.0), streams=2.0) as model:  # pyright: ignore[reportArgumentType]
        assert str(model.engine).endswith("2 threads")


def test_evaluate_takes_every_option_that_changes_label_maps() -> None:
    """And which pictures count; and a TIFF, which is always cut into windows, those that make sense there."""
    shared = {*names_of("load"), "batch_size", "value_range", "min_score", "labels", "window", "stride"}
    assert {option.name for option in options_of("tiff")} == shared
    assert {option.name for option in options_of("evaluate")} == {
        *shared,
        "mode",
        "flip",
        "scales",
        "on_error",
        "max_pixels",
    }


def test_every_form_can_be_saved_by_each_door() -> None:
    assert set(format_names()) >= {*BY_NAME["save_kinds"].default, "coco", "cvat", "geojson", "labelme"}
    for name in format_names():
        assert PipelineConfig("starter").override(save_kinds=[name]).save_kinds == (name,)
        assert from_command_line(["--save", name]).save_kinds == (name,)


#: What follows from the table, and what runs by the options: they are used there and declared nowhere.
TABLE = {"predict/options.py", "predict/arguments.py"}
RUNS = tuple(
    f"predict/{name}" for name in ("load.", "model.", "plan.", "steps.", "run.", "batches.", "tiff/", "remote/")
)
#: Names of options in other modules that take, check or show options: why they stand there.
ALLOWED = {
    "cli/cluster.py": {
        "labels": "are read where the classes are known",
        "on_error": "many pictures are not ended by one",
        "save_path": "may be an address",
        "save_kinds": "are written by the workers",
        "skip": "a value of on_error",
        "workers": "are those of the cluster",
    },
    "cli/commands/predict.py": {
        "enable_hpi": "it says what of a file is read",
        "recursive": "the inputs are counted for the bar",
        "save_kinds": "a file holds one form",
        "save_path": "results are written behind the engine",
        "skip": "--resume passes over what is done",
        "on_error": "pictures that cannot be written are passed over",
    },
    "cli/commands/measure/evaluate.py": {
        "labels": "the masks are brought to them too",
        "device": "a field of the report",
        "precision": "a field of the report",
        "on_error": "of files that are missing too",
        "skip": "a value of on_error",
    },
    "cli/commands/service/serve.py": {"threads": "those of a worker", "workers": "an option of its own"},
    "cli/commands/data/check.py": {"labels": "of the dataset"},
    "cli/commands/data/convert.py": {
        "labels": "of the dataset",
        "on_error": "of annotations",
        "palette": "of masks in colours",
        "skip": "a value of on_error",
    },
    "cli/commands/data/split.py": {"labels": "of the dataset"},
    "cli/commands/data/train.py": {"labels": "of the dataset", "device": "an option of its own"},
    "cli/commands/data/train_run.py": {"batch_size": "a setting of the run"},
    "cli/commands/measure/compare.py": dict.fromkeys(("device", "precision", "threads"), "an option of its own"),
    "cli/commands/measure/recommend.py": dict.fromkeys(("device", "precision", "threads"), "an option of its own"),
    "cli/commands/measure/select.py": dict.fromkeys(("device", "threads"), "an option of its own"),
    "cli/commands/measure/optimize.py": dict.fromkeys(("device", "precision", "threads"), "an option of its own"),
    "cli/commands/lock.py": dict.fromkeys(("device", "backend", "precision"), "of the engine that is locked"),
    "cli/commands/export.py": {
        "labels": "the old spelling of --label-set",
        "window": "a field of the card",
        "value_range": "goes into the export",
    },
    "cli/elsewhere.py": dict.fromkeys(
        (
            "backend",
            "batch_size",
            "device",
            "enable_hpi",
            "flip",
            "labels",
            "min_score",
            "precision",
            "save_path",
            "stride",
            "threads",
            "window",
            "workers",
        ),
        "what other programs call it",
    ),
    "cli/legacy.py": {"device": "a flag of PaddleX", "save_path": "a flag of PaddleX"},
    "cli/commands/completion.py": {"device": "what is completed", "labels": "what is completed"},
    "cli/commands/doctor.py": dict.fromkeys(("device", "backend", "precision"), "an option of its own"),
    "cli/run_options.py": {"scales": "how help calls the value"},
    "cli/commands/pipeline.py": {"save_path": "an option of its own"},
    "cli/app.py": {"labels": "of groups of commands"},
    "cli/commands/info.py": {
        "labels": "of the card",
        "window": "of an export folder",
        "value_range": "of an export folder",
        "device": "of a figure",
        "precision": "of a figure",
    },
    "cli/commands/plugins.py": {"device": "what a plugin brings"},
    "cli/report.py": {"device": "a field of a result"},
    "learn/evaluation/evaluate.py": {
        "labels": "the masks are brought to them too",
        "on_error": "of masks too",
        "value_range": "pictures are read",
        "max_pixels": "pictures are read",
        "scores": "asked for where they are measured",
    },
    "learn/evaluation/dataset_split.py": {"labels": "of the dataset"},
    "learn/evaluation/evaluation_page.py": {
        "labels": "the classes",
        "palette": "of the classes",
        "precision": "a figure of a class",
    },
    "learn/evaluation/picture_sums.py": {"labels": "the classes"},
    "learn/evaluation/plain_figures.py": {"precision": "a figure of a class"},
    "learn/evaluation/reliability.py": {"scores": "are measured"},
    "predict/pipeline/paddlex.py": {"device": "a key", "batch_size": "a key", "target_size": "a key"},
    "predict/pipeline/config.py": dict.fromkeys(("backend", "enable_hpi"), "either chooses the engine"),
    "predict/pipeline/hpi.py": dict.fromkeys(
        ("backend", "enable_hpi", "precision", "threads"), "keys, and what they mean"
    ),
    "predict/pipeline/pipeline.py": {
        "device": "an argument of PaddleX",
        "enable_hpi": "an argument of PaddleX",
        "live": "results are handed out one by one",
        "on_error": "pictures that cannot be written are passed over",
        "save_font": "looked at before the model is loaded",
        "save_path": "the folder is made before the model is loaded",
        "target_size": "used there",
    },
    "predict/pipeline/read.py": {
        "labels": "a path beside the file",
        "save_font": "a path beside the file",
        "save_path": "a path beside the file",
    },
    "predict/pipeline/saving.py": {
        "keep_tree": "results are written there",
        "on_error": "pictures that cannot be written are passed over",
        "skip": "a value of on_error",
        "save_kinds": "results are written there",
        "save_path": "results are written there",
    },
    "predict/unknown.py": dict.fromkeys(("backend", "device", "precision", "threads"), "what others call it"),
    "predict/values.py": {"live": "excludes batches", "batch_size": "excludes `live`", "value_range": "is in order"},
}


def test_a_name_of_an_option_stands_in_the_table_in_its_use_and_nowhere_else() -> None:
    """So a new option is a row of the table and the place that uses it."""
    folders = ("cli", "predict", "learn/evaluation", "settings")
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in folders for path in (ZOO / folder).rglob("*.py")):
        module = path.relative_to(ZOO).as_posix()
        if module not in TABLE and not module.startswith(RUNS):
            found[module] = words(path) & set(BY_NAME)
    assert {module: names for module, names in found.items() if names} == {
        module: set(names) for module, names in ALLOWED.items()
    }


def words(path: Path) -> set[str]:
    """Names in the source of a module, and texts that are one, as they are spelt on the command line too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.lstrip("-").replace("-", "_"))
        found.update(str(getattr(node, field)) for field in ("id", "attr", "arg") if hasattr(node, field))
    return found

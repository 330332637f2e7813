"""Pipeline files: what they may hold, what they do, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

import zoo
from scenes import draw_scene
from servers import Server
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.contract.labels import CITYSCAPES
from zoo.contract.labels.conversions import CONVERSIONS
from zoo.errors import BackendError, ConfigError, DeviceError, ModelNotInstalledError, OfflineError, OutputError
from zoo.predict.options import BY_NAME, OPTIONS, names_of
from zoo.predict.pipeline import PipelineConfig, builtin_file, create_pipeline, load_model, open_pipeline, read_pipeline
from zoo.predict.pipeline.schema import PIPELINE, schema
from zoo.results.mapping import read_mapping
from zoo.settings.check import conform
from zoo.settings.document import node_of

SCHEMA = schema()

#: Every key with a value that is not its default, and what becomes of it beside the file.
FULL = """
zoo: 1
model: models/mine
device: gpu:0
backend: other
threads: 3
streams: 2
workers: 2
precision: bf16
live: true
target_size: [256, 512]
batch_size: auto
on_error: skip
recursive: true
frames: all
color: bgr
scores: true
min_score: 0.25
labels: {drivable: [road, parking], nature: [vegetation]}
palette: [[1, 2, 3], '#040506']
mode: slide
window: 512
stride: [256, 128]
flip: true
scales: [0.5, 1, 2.0]
max_pixels: 1000000
value_range: [0, 4095]
save: {path: ../out, kinds: [mask, json]}
"""

OLDER = """
Global:
  pipeline_name: semantic_segmentation
  input: street.png
Pipeline:
  model: starter
  batch_size: 2
  device: "cpu"
NOTE:
  batch_size: any number
"""

NEWER = """
pipeline_name: semantic_segmentation
SubModules:
  SemanticSegmentation:
    module_name: semantic_segmentation
    model_name: starter
    model_dir: null
    batch_size: 2
    target_size: null
"""


def written(folder: Path, text: str | bytes, name: str = "p.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def refused(file: str | Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_pipeline(file)
    assert isinstance(caught.value, ValueError)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    Image.fromarray(draw_scene(4, 96, 128).image).save(path)
    return path


# Reading


def test_every_key_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read_pipeline(written(tmp_path / "team", FULL))
    assert config == PipelineConfig(
        model=tmp_path / "team" / "models" / "mine",
        device="gpu:0",
        backend="other",
        threads=3,
        streams=2,
        workers=2,
        precision="bf16",
        live=True,
        target_size=(256, 512),
        batch_size="auto",
        on_error="skip",
        recursive=True,
        frames="all",
        color="bgr",
        scores=True,
        min_score=0.25,
        labels={"labels": {"drivable": ["road", "parking"], "nature": ["vegetation"]}},
        palette=((1, 2, 3), "#040506"),
        mode="slide",
        window=(512, 512),
        stride=(256, 128),
        flip=True,
        scales=(0.5, 1.0, 2.0),
        max_pixels=1_000_000,
        value_range=(0, 4095),
        save_path=tmp_path / "out",
        save_kinds=("mask", "json"),
        file=tmp_path / "team" / "p.yaml",
    )
    assert set(config.load_arguments()) == set(names_of("load"))
    assert {*config.predict_arguments(), "skip"} == set(names_of("predict"))


def test_what_a_file_does_not_say_is_left_to_the_model(tmp_path: Path) -> None:
    config = read_pipeline(written(tmp_path, "zoo: 1\nmodel: starter\n"))
    assert config == PipelineConfig("starter", file=tmp_path / "p.yaml")
    assert config.load_arguments() == config.predict_arguments() == {}
    explicit = {name: getattr(config, name) for name in ["model", *(option.name for option in OPTIONS)]}
    assert read_pipeline(tmp_path / "p.yaml").override(**explicit) == config


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("PP-LiteSeg-T", "PP-LiteSeg-T"),
        ("SegFormer-B0 (slice)", "SegFormer-B0 (slice)"),
        ("./best", "{folder}/best"),
        ("../other/best", "{parent}/other/best"),
        ("/opt/best", "/opt/best"),
        ("models.zoo#PP-LiteSeg-T", "{folder}/models.zoo#PP-LiteSeg-T"),
        ("/opt/models.zoo#x", "/opt/models.zoo#x"),
        ("exported", "{folder}/exported"),
        ("C#", "C#"),
        ("n" * 300, "n" * 300),
    ],
)
@pytest.mark.parametrize("form", ["zoo: 1\nmodel: {}", "Pipeline: {{model: {}}}"])
def test_a_model_is_a_name_a_folder_or_in_a_bundle_file(tmp_path: Path, form: str, model: str, expected: str) -> None:
    written(tmp_path / "team" / "exported", "zoo: {}", "inference.yml")
    config = read_pipeline(written(tmp_path / "team", form.format(json.dumps(model))))
    assert str(config.model) == expected.format(folder=tmp_path / "team", parent=tmp_path)
    assert isinstance(config.model, Path) == (expected[0] in "{/" and "#" not in expected)


def test_labels_of_a_file_lie_beside_it_and_built_in_maps_have_names(tmp_path: Path) -> None:
    beside = read_pipeline(written(tmp_path, "zoo: 1\nmodel: a\nlabels: mine.yaml\npalette: {road: '#0000ff'}"))
    assert (beside.labels, beside.palette) == (str(tmp_path / "mine.yaml"), {"road": "#0000ff"})
    assert read_pipeline(written(tmp_path, "zoo: 1\nmodel: a\nlabels: some-map")).labels == "some-map"


@pytest.mark.parametrize("text", [OLDER, NEWER])
@pytest.mark.parametrize("change", [lambda text: text, lambda text: "\ufeff" + text.replace("\n", "\r\n")])
def test_both_forms_of_paddlex_are_read_as_they_are(tmp_path: Path, text: str, change: Any) -> None:
    config = read_pipeline(written(tmp_path, change(text)))
    notes = ("Not used: `NOTE` (line 9), `Global.input` (line 4).",) if "Global" in text else ()
    assert config == PipelineConfig("starter", batch_size=2, file=tmp_path / "p.yaml", notes=notes)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_yaml_of_the_tutorial_is_read_as_it_is(shared: Path, tmp_path: Path, language: str) -> None:
    tutorial = (shared / "reference" / f"semantic_segmentation_pipeline.{language}.md").read_text(encoding="utf-8")
    block = re.search(r"```(?:python)?\n(\.{6}\nPipeline:.*?\n)\.{6}\n```", tutorial, re.DOTALL)
    assert block is not None
    config = read_pipeline(written(tmp_path, block[1].removeprefix("......\n")))
    assert config == PipelineConfig("PP-LiteSeg-T", device="gpu", file=tmp_path / "p.yaml")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("null", None), ("None", None), ("-1", -1), ("640", 640), ("[512, 1024]", (512, 1024))],
)
def test_target_size_of_paddlex(tmp_path: Path, value: str, expected: object) -> None:
    text = NEWER.replace("target_size: null", f"target_size: {value}\n    device: npu:0")
    config = read_pipeline(written(tmp_path, text))
    assert (config.target_size, config.device) == (expected, "npu:0")


def test_model_dir_is_a_folder_and_model_name_is_noted_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = NEWER.replace("model_dir: null", "model_dir: best\n    threshold: 0.5") + "Serving: {port: 1}\n"
    config = read_pipeline(written(tmp_path / "team", text))
    assert config.model == tmp_path / "team" / "best"
    module = "SubModules.SemanticSegmentation"
    assert config.notes == (
        f"Not used: `Serving` (line 11), `{module}.model_name` (line 6), `{module}.threshold` (line 8).",
    )
    # PaddleX takes paths from the current folder; what is beside the file comes first.
    (tmp_path / "best").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_pipeline("team/p.yaml").model == tmp_path / "best"
    assert "that of the current folder is taken" in read_pipeline("team/p.yaml").notes[1]
    (tmp_path / "team" / "best").mkdir()
    assert read_pipeline("team/p.yaml").model == tmp_path / "team" / "best"


# The built-in file


def test_the_built_in_file_shows_every_key_with_its_default(tmp_path: Path) -> None:
    config = read_pipeline("semantic_segmentation")
    assert config == PipelineConfig("PP-LiteSeg-T", file=builtin_file("semantic_segmentation"))
    text = builtin_file("semantic_segmentation").read_text(encoding="utf-8")
    shown = re.sub(r"^# (?=\w+:( |$))", "", text, flags=re.MULTILINE)
    assert set(yaml.safe_load(shown)) == set(schema()["properties"])
    assert dataclasses.replace(read_pipeline(written(tmp_path, shown)), file=config.file) == config


# Faults


@pytest.mark.parametrize(
    ("lines", "place", "hint"),
    [
        ("batchsize: 3", "line 3: `batchsize`", "`batch_size`"),
        ("Batch-Size: 3", "line 3: `Batch-Size`", "`batch_size`"),
        ("\ndevcie: cpu", "line 4: `devcie`", "`device`"),
        ("save:\n  path: x\n  kind: [mask]", "line 5: `save.kind`", "`kinds`"),
        ("minscore: 1", "line 3: `minscore`", "`min_score`"),
        ("zzz: 1", "line 3: `zzz`", "Known are: backend, batch_size, color,"),
        ("a.b: 1", "line 3: `a.b`", "Known are:"),
        ('"x\\ny": 1', "line 3: `x\\ny`", "Known are:"),
    ],
)
def test_an_unknown_key_is_an_error_with_line_and_suggestion(tmp_path: Path, lines: str, place: str, hint: str) -> None:
    error = refused(written(tmp_path, f"zoo: 1\nmodel: a\n{lines}\n"))
    assert error.message == f"{tmp_path}/p.yaml, {place} is not a key of a pipeline."
    assert hint in error.hint


def test_a_misspelt_model_is_recognised(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "zoo: 1\nmodle: a\n")).hint == "Did you mean `model`?"


#: Text, line, words of the message.
HOSTILE = {
    "nine levels of aliases": (
        "a0: &a0 [1,2]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 9)),
        2,
        "alias",
    ),
    "merged aliases": ("zoo: 1\nmodel: &m x\n<<: *m\n", 3, "alias|merge"),
    "merge key": ("zoo: 1\nmodel: x\n<<: {device: cpu}\n", 3, "merge"),
    "python tag": ("zoo: 1\nmodel: !!python/object/apply:os.system ['touch hacked']\n", 2, "tag 'tag:yaml"),
    "tag of one's own": ("zoo: 1\nmodel: !x y\n", 2, "tag '!x'"),
    "nested 500 deep": ("zoo: 1\nmodel: " + "[" * 500 + "]" * 500, 2, "deeper than 50"),
    "nested by mappings": ("zoo: 1\n" + "".join(f"{' ' * n}a:\n" for n in range(60)), 52, "deeper than 50"),
    "key twice": ("zoo: 1\nmodel: x\ndevice: cpu\nmodel: y\n", 4, "'model' twice.*first in line 2"),
    "inner key twice": ("zoo: 1\nmodel: x\nsave:\n  path: a\n  path: b\n", 5, "'path' twice"),
    "number for a key": ("zoo: 1\nmodel: x\n3: x\n", 3, "a key that is 3"),
    "list for a key": ("zoo: 1\nmodel: x\n? [a]\n: x\n", 3, "a key that is a list"),
    "on, which is true": ("zoo: 1\nmodel: x\non: x\n", 3, "a key that is True"),
    "not closed": ("zoo: 1\nmodel: [x\ndevice: cpu\n", 3, "parsed"),
    "a tab": ("zoo: 1\nsave:\n\tpath: x\n", 3, "parsed"),
    "a day that is none": ("zoo: 1\nmodel: 2020-13-45\n", 2, "month"),
    "a number without end": ("zoo: 1\nmodel: x\nthreads: " + "9" * 5000, 3, "4300 digits|expected a whole number"),
    "second document": ("zoo: 1\nmodel: x\n---\nzoo: 1\n", 3, "second document"),
    "zero byte": ("zoo: 1\nmodel: a\0b\n", 2, "character"),
    "terminal code": ("zoo: 1\nmodel: \x1b[31m\n", 2, "character"),
    "latin-1": (b"zoo: 1\nmodel: caf\xe9\n", 2, "UTF-8"),
    "UTF-16": ("zoo: 1\nmodel: x\n".encode("utf-16"), 1, "UTF-8"),
    "empty": ("", 1, "empty"),
    "comments only": ("# nothing\n", 1, "empty"),
    "a list": ("- zoo: 1\n", 1, "not a mapping"),
    "a word": ("zoo\n", 1, "not a mapping"),
    "JSON's NaN": ("zoo: 1\nmodel: x\nmin_score: NaN\n", 3, "`min_score` is 'NaN'; expected a number from 0 to 1"),
    "not a number": ("zoo: 1\nmodel: x\nmin_score: .nan\n", 3, "`min_score` is nan"),
    "infinite": ("zoo: 1\nmodel: x\nscales: [1.0, .inf]\n", 3, r"`scales\[1\]` is inf"),
    "enormous": ("zoo: 1\nmodel: x\nscales: [1.0e+308]\n", 3, "at most 16"),
    "zero scale": ("zoo: 1\nmodel: x\nscales: [0]\n", 3, "above 0"),
    "a list of models": ("zoo: 1\nmodel: [a, b]\n", 2, r"`model` is \['a', 'b'\]; expected text"),
    "a time for a model": ("zoo: 1\nmodel: 1:30\n", 2, "`model` is 90; expected text .in quotes"),
    "no, which is false": ("zoo: 1\nmodel: no\n", 2, "`model` is False"),
    "a model with a zero byte": ('zoo: 1\nmodel: "a\\0b"\n', 2, "`model` is"),
    "null for a model": ("zoo: 1\nmodel:\n", 2, "`model` is None"),
    "null for a device": ("zoo: 1\nmodel: x\ndevice: ~\n", 3, "`device` is None"),
    "true for a number": ("zoo: 1\nmodel: x\nbatch_size: true\n", 3, "from 1 to 65536 or auto"),
    "zero pictures": ("zoo: 1\nmodel: x\nbatch_size: 0\n", 3, "from 1 to 65536 or auto"),
    "half a picture": ("zoo: 1\nmodel: x\nbatch_size: 1.5\n", 3, "from 1 to 65536 or auto"),
    "one side of two": ("zoo: 1\nmodel: x\nwindow: [5]\n", 3, "a list of 2 values"),
    "text for a side": ("zoo: 1\nmodel: x\nwindow: [5, '5']\n", 3, r"`window\[1\]` is '5'"),
    "a kind there is not": ("zoo: 1\nmodel: x\nsave:\n  kinds:\n  - mask\n  - jpeg\n", 6, "`save.kinds.1.` is 'jpeg'"),
    "saving nothing": ("zoo: 1\nmodel: x\nsave: {kinds: []}\n", 3, "a list of 1 to 64 values"),
    "save is text": ("zoo: 1\nmodel: x\nsave: here\n", 3, "a mapping of path, kinds"),
    "a colour that is a comment": ("zoo: 1\nmodel: x\npalette:\n  road: #00ff00\n", 4, "or '#rrggbb' in quotes"),
    "a colour of two": ("zoo: 1\nmodel: x\npalette: [[1, 2]]\n", 3, "a list of 3 values"),
    "labels of numbers": ("zoo: 1\nmodel: x\nlabels:\n  a: [1]\n", 4, r"`labels.a\[0\]` is 1"),
    "version that is text": ("zoo: one\nmodel: x\n", 1, "`zoo` is 'one'; expected 1"),
    "version to come": ("zoo: 2\nmodel: x\nnews: 1\n", 1, "`zoo` is 2; this zoo reads up to 1"),
    "another pipeline": ("Global: {pipeline_name: OCR}\nPipeline: {model: x}\n", 1, "expected semantic_segmentation"),
    "another newer pipeline": ("pipeline_name: OCR\nSubModules: {}\n", 1, "expected semantic_segmentation"),
    "another module": (NEWER.replace("module_name: sem", "module_name: "), 5, "expected semantic_segmentation"),
    "an older list of models": ("Pipeline:\n  model: [a, b]\n", 2, "`Pipeline.model` is"),
    "an older section of text": ("Pipeline: x\n", 1, "`Pipeline` is 'x'; expected a mapping"),
    "a newer size": (NEWER.replace("target_size: null", "target_size: 0"), 9, "target_size` is 0"),
    "without submodule": ("SubModules:\n  Other: {}\n", 1, "has no `SemanticSegmentation`"),
    "without model": ("Pipeline:\n  model: null\n", 1, "`Pipeline` has no `model`"),
    "two forms": ("zoo: 1\nmodel: x\nPipeline: {}\n", 3, "`zoo` .line 1. and `Pipeline` .line 3."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_file_is_refused_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    text, line, words = HOSTILE[name]
    began = time.process_time()
    error = refused(written(tmp_path, text))
    assert time.process_time() - began < 2
    assert error.message.startswith(f"{tmp_path}/p.yaml")
    assert f"line {line}" in error.message
    assert re.search(words, error.message), error.message
    assert len(error.message) < len(str(tmp_path)) + 300
    assert os.listdir(tmp_path) == ["p.yaml"]


def test_a_key_without_its_version_or_section_gets_a_hint(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "model: x\n")).hint.endswith("add the line: zoo: 1")
    assert refused(written(tmp_path, "Pipelin: {model: x}\n")).hint == "Did you mean `Pipeline`?"
    assert refused(written(tmp_path, "pipeline_name: semantic_segmentation\n")).hint == "Did you mean `SubModules`?"
    assert "no `model`" in refused(written(tmp_path, "zoo: 1\n")).message


def test_what_is_no_readable_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "folder.yaml").mkdir()
    written(tmp_path, b"#" * 1_000_001, "huge.yaml")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("fifo", "zero", "loop", "folder", "huge", "gone", "a\nb", "a\0b"):
        error = refused(tmp_path / f"{name}.yaml")
        assert "\n" not in error.message
        assert "zoo pipeline config" in error.hint
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_name_that_is_no_pipeline_is_refused_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused("semantic_segmantation").hint == "Did you mean semantic_segmentation?"
    assert "Expected was one of: semantic_segmentation." in refused("OCR").message
    # A file in the current folder may have any name, but not that of a pipeline.
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "zoo: 1\nmodel: mine\n", "ocr")
    written(tmp_path, "zoo: 1\nmodel: mine\n", "semantic_segmentation")
    assert read_pipeline("ocr").model == "mine"
    assert read_pipeline("semantic_segmentation").model == "PP-LiteSeg-T"
    assert read_pipeline(Path("semantic_segmentation")).model == "mine"


# The schema


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 70_000)
    | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 16.0, 1e300, 10**400])
    | st.sampled_from(
        ["", "auto", "cpu", "raise", "skip", "first", "all", "bgr", "slide", "mask", "#00ff0F", "a\0b", "\n"]
    )
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["path", "kinds", "a"]), inner),
    max_leaves=6,
)


def accepts(value: Any, path: str, rule: dict[str, Any]) -> bool:
    try:
        conform(node_of(value, PIPELINE, *filter(None, [path])), rule)
    except ConfigError:
        return False
    return True


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), PLAIN), st.booleans())
def test_schema_and_reader_agree_on_any_document(document: dict[str, Any], complete: bool) -> None:
    document = {**document, "zoo": 1, "model": "x"} if complete else document
    assert accepts(document, "", SCHEMA) == Draft202012Validator(SCHEMA).is_valid(document)


@given(st.sampled_from([option.name for option in OPTIONS if option.rule]), PLAIN)
def test_schema_and_reader_agree_on_any_value(name: str, value: Any) -> None:
    """Most whole documents are wrong; many single values are right."""
    rule = BY_NAME[name].checked_rule
    assert accepts(value, name, rule) == Draft202012Validator(rule).is_valid(value)


def test_schema_and_reader_agree_on_files(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    lines = [line for line in FULL.strip().splitlines() if not line.startswith(("zoo", "model"))]
    valid = [FULL, "zoo: 1\nmodel: x", "zoo: 1.0\nmodel: x", *(f"zoo: 1\nmodel: x\n{line}" for line in lines)]
    for text in valid:
        read_pipeline(written(tmp_path, text))
        validator.validate(yaml.safe_load(text))
    invalid = [text for text, *_ in HOSTILE.values() if isinstance(text, str) and text.startswith("zoo: 1\nmodel: x\n")]
    checked = 0
    for text in invalid:
        refused(written(tmp_path, text))
        try:
            document = yaml.safe_load(text)
        except Exception:
            continue
        # Faults of YAML itself are gone from what the parser makes of it; JSON has no nan.
        if not re.search(r"<<|nan|---|^on|^model.*\n(.*\n)*model|path:.*\n *path", text, re.MULTILINE):
            assert not validator.is_valid(document), text
            checked += 1
    assert checked > 10


# Other options


def test_given_options_beat_the_file_and_none_was_not_given(tmp_path: Path) -> None:
    config = read_pipeline(written(tmp_path, FULL))
    changed = config.override(
        device="cpu",
        batch_size=4,
        model=Path("other"),
        window=64,
        save_path="here",
        labels=None,
        scales=[2],
        min_score=1,
    )
    assert changed == dataclasses.replace(
        config,
        device="cpu",
        batch_size=4,
        model=Path("other"),
        window=(64, 64),
        save_path=Path("here"),
        scales=(2.0,),
        min_score=1,
    )
    assert config.override() == config.override(device=None, labels=None) == config


def test_labels_and_palettes_given_in_python_are_left_to_predict() -> None:
    palette, labels = np.zeros((3, 3), np.uint8), CONVERSIONS["cityscapes-ids"].mapping
    config = PipelineConfig("starter").override(palette=palette, labels=labels)
    assert config.predict_arguments()["palette"] is palette
    assert config.predict_arguments()["labels"] is labels


def test_labels_of_a_file_are_a_label_mapping(tmp_path: Path) -> None:
    text = "zoo: 1\nmodel: x\nlabels: {drivable: [road, sidewalk], people: [person, rider]}\n"
    mapping = read_mapping(read_pipeline(written(tmp_path, text)).labels, CITYSCAPES)
    assert mapping.labels.names == ("drivable", "people")


@pytest.mark.parametrize(
    ("given_options", "message", "hint"),
    [
        (
            {"batch_size": 0},
            "`batch_size` is 0; expected a whole number from 1 to 65536 or auto.",
            "docs/python.md",
        ),
        ({"batchsize": 3}, "`batchsize` is not an option of a pipeline.", "Did you mean `batch_size`?"),
        ({"save_kinds": ["mask", "gif"]}, "`save_kinds[1]` is 'gif'", "docs/python.md"),
        ({"device": 0}, "`device` is 0; expected text.", "docs/python.md"),
        ({"file": "x"}, "`file` is not an option of a pipeline.", ""),
        ({"window": (5, 0)}, "`window[1]` is 0", "docs/python.md"),
        ({"precision": "fp16"}, "`precision` is 'fp16'; expected float32, bf16, int8 or None.", "docs/python.md"),
        ({"recursive": 3}, "`recursive` is 3; expected True or False.", "docs/python.md"),
        ({"engine": "openvino"}, "`engine` is not an option of a pipeline.", "Did you mean `backend`?"),
        ({"half": True}, "`half` is not an option of a pipeline.", "Did you mean `precision='bf16'`?"),
    ],
)
def test_a_wrong_option_is_refused(given_options: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_pipeline("semantic_segmentation", **given_options)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


# Running


def test_the_tutorials_script_runs_as_it_stands(
    shared: Path, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word apart from the import; the file is the tutorial's with the model that comes with zoo."""
    tutorial = (shared / "reference" / "semantic_segmentation_pipeline.en.md").read_text(encoding="utf-8")
    scripts = re.findall(r"```python\n(from paddlex import create_pipeline\n.*?)```", tutorial, re.DOTALL)
    script = next(script for script in scripts if "my_path" in script)
    written(tmp_path / "my_path", OLDER, "semantic_segmentation.yaml")
    street.rename(tmp_path / "makassaridn-road_demo.png")
    monkeypatch.chdir(tmp_path)
    exec(script.replace("from paddlex import", "from zoo.predict.pipeline import"), {})
    assert sorted(os.listdir("output")) == ["makassaridn-road_demo.json", "makassaridn-road_demo_overlay.png"]
    assert json.loads(capsys.readouterr().out)["model"] == "starter"


def test_a_pipeline_gives_what_the_model_alone_gives(
    bundle: Bundle, street: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(bundle.folder, tmp_path / "team" / "mine")
    with zoo.load(bundle.folder) as model:
        expected = model.predict(street).one().mask
        scored = model.predict(street, scores=True, min_score=0.2, mode="slide", window=(64, 64), stride=(32, 32)).one()
    with create_pipeline(written(tmp_path / "team", OLDER.replace("starter", "mine"))) as pipeline:
        first, second = pipeline.predict([street, street])
        for result in (first, second, pipeline.predict(x=street).one(), pipeline.predict(input=street).one()):
            np.testing.assert_array_equal(result.mask, expected)
        options = {"scores": True, "min_score": 0.2, "mode": "slide", "window": 64, "stride": [32, 32]}
        result = pipeline.predict(street, **options).one()
        np.testing.assert_array_equal(result.mask, scored.mask)
        np.testing.assert_array_equal(result.scores, scored.scores)
    [note] = pipeline.notes
    assert caplog.messages == [f"{tmp_path}/team/p.yaml: {note}"]


def test_a_file_says_how_and_where_results_are_written_and_keeps_failures(
    bundle: Bundle, street: Path, tmp_path: Path
) -> None:
    text = f"""
zoo: 1
model: {bundle.folder}
on_error: skip
scores: true
labels: {{low: [class 0, class 1], high: [class 5]}}
palette: {{low: '#010203'}}
scales: [1.0, 1.5]
save: {{path: out, kinds: [mask, json, coco]}}
"""
    with create_pipeline(written(tmp_path / "team", text)) as pipeline:
        results = pipeline.predict([tmp_path / "gone.png", street, tmp_path / "gone_too.png"])
        result = next(results)
        assert (result.name, result.class_names, result.palette[0]) == ("street", ("low", "high"), (1, 2, 3))
        assert result.scores is not None
        assert [failure.name for failure in results.failures] == ["gone"]
        assert len(os.listdir(tmp_path / "team" / "out")) == 3
        saved = np.asarray(Image.open(tmp_path / "team" / "out" / "street_mask.png"))
        np.testing.assert_array_equal(saved, result.mask)
        assert list(results) == []
        assert [failure.name for failure in results.failures] == ["gone", "gone_too"]
        with pytest.raises(zoo.SourceError):
            list(pipeline.predict(tmp_path / "gone.png", on_error="raise"))


def test_an_unusable_folder_for_results_is_found_before_the_model_is_loaded(tmp_path: Path) -> None:
    written(tmp_path, "in the way", "out")
    file = written(tmp_path, "zoo: 1\nmodel: /no/such/model\nsave: {path: out}\n")
    with pytest.raises(OutputError, match="out"):
        create_pipeline(file)


def test_target_size_does_what_it_does_in_the_models_own_settings(
    official_folder: Path, street: Path, tmp_path: Path
) -> None:
    """Written into a PaddleX folder, whose reader is compared with PaddleX by `make interop`, or given beside it."""
    shutil.copytree(official_folder, tmp_path / "told")
    settings = yaml.safe_load((tmp_path / "told" / "inference.yml").read_text())
    resize = {"type": "Resize", "target_size": [96, 64]}
    transforms = [step for step in settings["Deploy"]["transforms"] if step["type"] == "Normalize"]
    settings["Deploy"]["transforms"] = [resize, *transforms]
    (tmp_path / "told" / "inference.yml").write_text(yaml.safe_dump(settings))
    # A model with another resizing of its own, which must give way.
    shutil.copytree(tmp_path / "told", tmp_path / "own")
    settings["Deploy"]["transforms"] = [{"type": "ResizeByShort", "short_size": 32}, *transforms]
    (tmp_path / "own" / "inference.yml").write_text(yaml.safe_dump(settings))
    with zoo.load(tmp_path / "told") as told:
        expected = told.predict(street).one().mask
    file = written(tmp_path, "zoo: 1\nmodel: ./own\ntarget_size: [64, 96]\n")
    with create_pipeline(file) as pipeline:
        np.testing.assert_array_equal(pipeline.predict(street).one().mask, expected)
        assert pipeline.model.bundle.preprocess == read_bundle(tmp_path / "told").preprocess
    with zoo.load(tmp_path / "own") as own:
        assert not np.array_equal(own.predict(street).one().mask, expected)


def test_the_named_pipeline_downloads_its_model(
    shared: Path,
    server: Server,
    home: Path,
    street: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tutorial = (shared / "reference" / "semantic_segmentation_pipeline.en.md").read_text(encoding="utf-8")
    scripts = re.findall(r"```python\n(from paddlex import create_pipeline\n.*?)```", tutorial, re.DOTALL)
    script = next(script for script in scripts if 'pipeline="semantic_segmentation"' in script)
    street.rename(tmp_path / "makassaridn-road_demo.png")
    monkeypatch.chdir(tmp_path)
    exec(script.replace("from paddlex import", "from zoo.predict.pipeline import"), {})
    assert json.loads(capsys.readouterr().out)["model"] == "PP-LiteSeg-T"
    assert len(os.listdir("output")) == 2


def test_target_size_keeps_padding() -> None:
    from zoo.contract.spec import Normalize, Pad, Resize, ResizeShort
    from zoo.predict.pipeline.sizing import with_target_size

    steps = (ResizeShort(512), Pad(32), Normalize())
    assert with_target_size(steps, -1) == (Pad(32), Normalize())
    assert with_target_size(steps, 64) == (Resize((64, 64), True, 32, False), Pad(32), Normalize())


def test_a_run_is_lazy_and_has_options_of_its_own(street: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    with create_pipeline("semantic_segmentation", model="starter") as pipeline:
        assert pipeline.model.name == "starter"
        results = pipeline.predict([street, gone])
        assert next(results).name == "street"
        with pytest.raises(zoo.SourceError, match=r"gone\.png"):
            next(results)
        skipped = pipeline.predict([gone], on_error="skip")
        assert list(skipped) == []
        assert len(skipped.failures) == 1
        with pytest.raises(ConfigError, match="fixed when the pipeline is created"):
            pipeline.predict(street, device="cpu")
        with pytest.raises(ConfigError) as caught:
            pipeline.predict(street, batchsize=1)
        assert caught.value.hint == "Did you mean `batch_size`?"
        for wrong in ({}, {"input": street, "x": street}):
            with pytest.raises(TypeError, match="one input"):
                pipeline.predict(**wrong)


# What cannot be had


def test_a_device_that_cannot_be_used_is_an_error_and_an_argument_beats_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, OLDER.replace('"cpu"', '"gpu:0"'))
    with pytest.raises(DeviceError, match="gpu:0"):
        create_pipeline(pipeline=str(file))
    with pytest.raises(DeviceError, match="npu:1"):
        create_pipeline(pipeline="semantic_segmentation", device="npu:1", model="starter")
    # The device of the file is asked for no more: what fails is the engine.
    with pytest.raises(BackendError, match="no engine called 'none'"):
        create_pipeline(pipeline=str(file), device="cpu", backend="none")


HPI = pytest.mark.parametrize(
    ("lines", "options"),
    [
        ("use_hpip: true", {"enable_hpi": True}),
        ("enable_hpi: true", {"enable_hpi": True}),
        ("    use_hpip: true", {"enable_hpi": True}),
        ("    use_hpip: false", {}),
        ("use_hpip: null", {}),
        ("use_hpip: true\nhpi_config:\n  auto_config: true", {"enable_hpi": True}),
        ("use_hpip: true\nhpi_config:\n  auto_config: false\n  backend: onnxruntime", {"backend": "onnxruntime"}),
        (
            "use_hpip: true\nhpi_config:\n  backend: openvino\n  backend_config:\n    cpu_num_threads: 3\n"
            "    precision: bf16",
            {"backend": "openvino", "threads": 3, "precision": "bf16"},
        ),
        (
            "use_hpip: true\nhpi_config:\n  backend_config:\n    precision: fp32",
            {"enable_hpi": True, "precision": "float32"},
        ),
    ],
)


@HPI
def test_high_performance_inference_of_a_file_is_the_fastest_proven_engine_or_the_one_it_names(
    tmp_path: Path, lines: str, options: dict[str, object]
) -> None:
    config = read_pipeline(written(tmp_path, f"{NEWER}{lines}\n"))
    assert config == replace(PipelineConfig("starter", batch_size=2, file=config.file), **options)


def test_the_section_of_the_model_beats_the_top_key_by_key(tmp_path: Path) -> None:
    inner = "    use_hpip: true\n    hpi_config: {backend: onnxruntime}\n"
    outer = "use_hpip: false\nhpi_config: {backend: openvino, backend_config: {cpu_threads: 2}}\n"
    config = read_pipeline(written(tmp_path, f"{NEWER}{inner}{outer}"))
    assert (config.backend, config.threads, config.notes) == ("onnxruntime", 2, ())


def test_what_high_performance_inference_means_nothing_for_is_named(tmp_path: Path) -> None:
    settings = "{auto_paddle2onnx: false, hpi_info: null, backend: paddle, backend_config: {run_mode: mkldnn}}"
    [note] = read_pipeline(written(tmp_path, f"{NEWER}use_hpip: true\nhpi_config: {settings}\n")).notes
    for key in ("auto_paddle2onnx", "hpi_info", "backend_config.run_mode"):
        assert f"`hpi_config.{key}` (line 11)" in note
    [note] = read_pipeline(written(tmp_path, f"{NEWER}hpi_config: {settings}\n")).notes
    assert note == "Not used: `hpi_config` (line 10)."
    older = read_pipeline(
        written(tmp_path, OLDER.replace("Pipeline:", "Pipeline:\n  enable_hpi: true\n  hpi_params: x"))
    )
    assert older.enable_hpi
    assert any("`Pipeline.hpi_params`" in note for note in older.notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("use_hpip: please", "`use_hpip` is 'please'; expected "),
        ("use_hpip: true\nenable_hpi: false", "`use_hpip` is True; expected the same as `enable_hpi`"),
        ("use_hpip: true\nhpi_config: fast", "`hpi_config` is 'fast'; expected a mapping or null"),
        ("use_hpip: true\nhpi_config: {backend: 3}", "`hpi_config.backend` is 3; expected text "),
        (
            "use_hpip: true\nhpi_config: {auto_config: false}",
            "`hpi_config.auto_config` is False; expected true, or the engine in `backend`",
        ),
        (
            "use_hpip: true\nhpi_config: {backend_config: {precision: fp16}}",
            "`hpi_config.backend_config.precision` is 'fp16'; expected fp32, float32, bf16, bfloat16 or int8",
        ),
        (
            "use_hpip: true\nhpi_config: {backend_config: {cpu_threads: 0}}",
            "`hpi_config.backend_config.cpu_threads` is 0; expected a whole number from 1 to 4096",
        ),
    ],
)
def test_what_a_file_cannot_mean_by_high_performance_inference_is_an_error(
    tmp_path: Path, lines: str, message: str
) -> None:
    assert message in refused(written(tmp_path, f"{NEWER}{lines}\n")).message


def test_high_performance_inference_takes_the_fastest_and_says_so(
    street: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture, all_engines: None, home: Path
) -> None:
    with create_pipeline("semantic_segmentation", enable_hpi=True, model=bundle.folder, threads=1) as pipeline:
        assert pipeline.model.why.startswith("high-performance inference: the fastest of 3 that are proven here; ")
        result = pipeline.predict(street).one()
    assert result.why == pipeline.model.why
    assert not caplog.records


def test_where_one_engine_is_installed_high_performance_inference_is_told_to_bring_nothing(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    with create_pipeline("semantic_segmentation", use_hpip=True, model=bundle.folder, threads=1) as pipeline:
        assert pipeline.model.why == "high-performance inference: no other engine can be used"
    [record] = caplog.records
    assert "brings nothing here: paddle " in record.getMessage()
    with create_pipeline("semantic_segmentation", enable_hpi=False, model=bundle.folder, threads=1) as pipeline:
        assert pipeline.model.why == "no other engine can be used"


def test_an_engine_by_its_name_and_the_fastest_one_are_not_both_taken(tmp_path: Path) -> None:
    for wrong in ({"enable_hpi": True}, {"use_hpip": True}):
        with pytest.raises(ConfigError, match=r"takes the fastest proven engine; the engine paddle is"):
            create_pipeline("semantic_segmentation", backend="paddle", **wrong)
    with pytest.raises(ConfigError, match="True, False or None"):
        create_pipeline("semantic_segmentation", enable_hpi="yes")
    own = written(tmp_path, "zoo: 1\nmodel: starter\nenable_hpi: true\n")
    assert read_pipeline(own).enable_hpi
    # What a caller says beats the file.
    assert not read_pipeline(own).override(backend="paddle").enable_hpi
    named = read_pipeline(written(tmp_path, "zoo: 1\nmodel: starter\nbackend: paddle\n"))
    assert named.override(enable_hpi=True).backend == "auto"
    refused(written(tmp_path, "zoo: 1\nmodel: starter\nbackend: paddle\nenable_hpi: true\n"))


def test_a_caller_who_does_not_want_high_performance_inference_beats_the_file(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = "hpi_config: {backend: onnxruntime, backend_config: {cpu_threads: 3}}"
    newer = written(tmp_path, f"{NEWER}use_hpip: true\n{chosen}\n")
    config = read_pipeline(newer, hpi=False)
    assert (config.enable_hpi, config.backend, config.threads) == (False, "auto", None)
    assert config.notes == ("Not used: `hpi_config` (line 11).",)
    assert read_pipeline(newer, hpi=True) == read_pipeline(newer)
    for said in ({"enable_hpi": False}, {"use_hpip": False}):
        caplog.clear()
        with create_pipeline(newer, model=bundle.folder, **said) as pipeline:
            assert pipeline.model.engine.startswith("paddle ")
        assert any("hpi_config" in record.getMessage() for record in caplog.records)
    older = written(tmp_path, OLDER.replace("Pipeline:", f"Pipeline:\n  enable_hpi: true\n  {chosen}"))
    assert read_pipeline(older, hpi=False).backend == "auto"
    assert read_pipeline(older).backend == "onnxruntime"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"enable_hpi": True, "use_hpip": False}, "`use_hpip` is False; expected the same as `enable_hpi`"),
        ({"enable_hpi": False, "use_hpip": True}, "`use_hpip` is True; expected the same as `enable_hpi`"),
        ({"use_hpip": 1}, "`use_hpip` is 1; expected True, False or None"),
        ({"hpi_config": {"backend": "openvino"}}, "`hpi_config` is a key of PaddleX's pipeline files"),
    ],
)
def test_what_a_call_cannot_mean_by_high_performance_inference_is_an_error(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_pipeline("semantic_segmentation", **said)


def test_a_model_that_cannot_be_had_says_so_and_names_the_one_that_can(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OfflineError, match="PP-LiteSeg-T") as offline:
        create_pipeline("semantic_segmentation", offline=True)
    assert offline.value.hint.endswith("model='starter'")
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-plugin-pp-liteseg")
    with pytest.raises(ModelNotInstalledError) as missing:
        load_model(read_pipeline("semantic_segmentation"))
    assert "ZOO_DISABLE_PLUGINS" in missing.value.hint
    assert missing.value.hint.endswith("model='starter'")


def test_a_local_folder_of_a_fine_tuned_model_is_a_model(
    paddlex_bundle: Bundle, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(paddlex_bundle.folder, tmp_path / "team" / "best")
    monkeypatch.chdir(tmp_path)
    texts = [OLDER.replace("starter", model) for model in ("best", "./best", str(tmp_path / "team" / "best"))]
    texts.append(NEWER.replace("model_dir: null", "model_dir: best"))
    for text in texts:
        assert read_pipeline(written(Path("team"), text)).model == tmp_path / "team" / "best"
    with open_pipeline(read_pipeline("team/p.yaml")) as pipeline:
        assert pipeline.predict(street).one().mask.shape == (96, 128)
    with pytest.raises(zoo.BundleError, match=re.escape(str(tmp_path / "team" / "gone"))):
        create_pipeline(written(Path("team"), OLDER.replace("starter", "./gone")))


@pytest.mark.parametrize(
    ("text", "place", "meant"),
    [
        ("Pipeline:\n  modl: tuned\n", "line 2: `Pipeline.modl`", "`model`"),
        ("Pipeline:\n  device: cpu\n  Model: tuned\n", "line 3: `Pipeline.Model`", "`model`"),
        (NEWER.replace("SemanticSegmentation:", "SemanticSegmentaton:"), "`SubModules.SemanticSegmentaton`", "`Sem"),
        (NEWER.replace("model_name:", "modelname:"), "SemanticSegmentation.modelname`", "`model_name`"),
        ("SubModules:\n  SemanticSegmentation:\n    model_dri: best\n", "line 3: ", "`model_dir`"),
    ],
)
def test_a_misspelt_key_of_a_paddlex_file_is_named_with_its_line(
    tmp_path: Path, text: str, place: str, meant: str
) -> None:
    error = refused(written(tmp_path, text))
    assert place in error.message
    assert error.message.endswith("is not a key of a pipeline.")
    assert error.hint.startswith(f"Did you mean {meant}")


def test_a_key_that_nothing_is_like_is_not_taken_for_the_missing_one(tmp_path: Path) -> None:
    # "devcie" is another key misspelt.
    error = refused(written(tmp_path, "Pipeline:\n  devcie: cpu\n  hpi_params: x\n"))
    assert error.message == f"{tmp_path}/p.yaml, line 1: `Pipeline` has no `model`, which was expected."


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "target_size: x",
            "a whole number from 1 to 65536, -1, a list of 2 values (a whole number from 1 to 65536) or null",
        ),
        ("frames: 3", "first or all"),
        ("scales: [99]", "a number above 0 (at most 16)"),
        (
            "palette: x",
            "a list of 1 to 65536 values (a list of 3 values (a whole number from 0 to 255) or '#rrggbb' in quotes), ",
        ),
        ("labels: 3", "text (in quotes if YAML takes it for something else), a mapping or null"),
    ],
)
def test_what_was_expected_is_told_in_whole_phrases(tmp_path: Path, lines: str, expected: str) -> None:
    assert f"; expected {expected}" in refused(written(tmp_path, f"zoo: 1\nmodel: a\n{lines}\n")).message

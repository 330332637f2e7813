"""Programs for phones and boards: converted, compared in the package of their runtime, described, used from C++."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import zoo
from support import run_python, zoo_process
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.contract.spec import Normalize, Pad, Resize
from zoo.engine.open import session_opener
from zoo.errors import BackendNotInstalledError, ExportError
from zoo.learn.convert import FormatOptions, convert_bundle, converter
from zoo.learn.convert.edge.edge_pictures import expected_of
from zoo.learn.convert.edge.example import example_of
from zoo.learn.convert.edge.mnn import convert_to_mnn, run_mnn
from zoo.learn.convert.edge.ncnn import convert_to_ncnn, run_ncnn
from zoo.learn.convert.frame import framed
from zoo.program.graph import TensorType
from zoo.program.onnx_file import write_onnx
from zoo.program.onnx_graph import OnnxGraph, OnnxNode
from zoo.segment.transforms import preprocess

STREET = Path(__file__).parents[2] / "docs" / "street.jpg"
HERE = Path(zoo.__file__).parent / "learn" / "convert" / "edge"
MNN = pytest.mark.skipif(importlib.util.find_spec("MNN") is None, reason="MNN is not installed: pip install MNN")
NCNN = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ncnn", "pnnx")),
    reason="ncnn and pnnx are not installed: pip install ncnn; pip install --no-deps pnnx",
)
COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++, which compiles the example")


def told(folder: Path, runtime: str) -> dict[str, Any]:
    return json.loads((folder / f"{runtime}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def on_mnn(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnn") / "out"
    ended = zoo_process("export", bundle.folder, "--format", "mnn", "--images", STREET, "-o", folder)
    assert (ended.returncode, ended.stdout) == (0, f"{folder}\n"), ended.stderr
    said = ended.stderr.splitlines()
    assert said[0].startswith("model.mnn: 100.0000% of ")
    assert "same class in MNN " in said[0]
    assert "Logits differ by " in said[1]
    assert said[1].endswith("compared on one picture.")
    assert said[2].startswith("For the device: model.mnn, ")
    return folder


@MNN
def test_mnn_gives_the_logits_of_the_network_at_any_size(on_mnn: Path, bundle: Bundle) -> None:
    session, rng = session_opener(bundle.verify(), "cpu", "paddle")(1), np.random.default_rng(4)
    given = [rng.uniform(-1, 1, shape).astype(np.float32) for shape in ((1, 3, 64, 96), (1, 3, 33, 65), (2, 3, 64, 96))]
    for batch, found in zip(given, run_mnn(given, str(on_mnn / "model.mnn")), strict=True):
        expected = session.run(batch)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 2e-3 * np.ptp(expected)


@MNN
def test_the_folder_says_how_the_program_is_used_and_how_it_was_compared(on_mnn: Path, bundle: Bundle) -> None:
    facts = told(on_mnn, "mnn")
    assert facts["files"] == {"model.mnn": sha256((on_mnn / "model.mnn").read_bytes()).hexdigest()}
    assert (facts["model"], facts["runtime"], facts["weights"]) == ("small", "mnn", "float32")
    assert facts["input"]["size"] is None
    assert [facts["input"][name] for name in ("name", "layout", "color_order", "mean")] == [
        "x",
        "NCHW",
        "RGB",
        [0.5] * 3,
    ]
    assert facts["output"] == {"name": "fetch_name_0", "kind": "logits", "stride": 8, "threshold": 0.0}
    assert [entry["name"] for entry in facts["classes"]] == list(bundle.labels.names)
    assert [tuple(entry["color"]) for entry in facts["classes"]] == list(bundle.labels.palette)
    compared = facts["compared"]
    assert compared["in"].startswith("MNN ")
    assert compared["with"].startswith("paddle ")
    # The picture, the golden, and one of another size.
    assert (compared["pictures"], compared["inputs"], compared["agreement"]) == (1, 3, 1.0)
    assert 0 < compared["difference"] < 1e-3 * compared["spread"]


@MNN
def test_the_folder_of_an_edge_program_is_still_one_that_zoo_runs_and_checks(on_mnn: Path, tmp_path: Path) -> None:
    copy = read_bundle(on_mnn)
    assert {"model.mnn", "mnn.json", "mnn.cpp", "mask.h"} <= set(copy.digests)
    assert copy.verify().trusted
    folder = Path(shutil.copytree(on_mnn, tmp_path / "copy"))
    (folder / "model.mnn").write_bytes((folder / "model.mnn").read_bytes()[:-1])
    with pytest.raises(zoo.BundleError, match=r"model\.mnn has sha256"):
        read_bundle(folder).verify()


@MNN
@pytest.mark.full
def test_a_program_that_ends_with_labels_becomes_one_that_ends_with_logits(
    official_folder: Path, tmp_path: Path
) -> None:
    checked = convert_bundle(
        read_bundle(official_folder), tmp_path / "out", converter("mnn", FormatOptions(pictures=[str(STREET)]))
    )
    assert checked.share > 0.9999
    facts = told(tmp_path / "out", "mnn")
    assert (facts["output"]["kind"], facts["output"]["stride"], facts["classes"]) == ("logits", 1, None)
    assert facts["compared"]["difference"] is None
    [output] = run_mnn([np.zeros((1, 3, 64, 96), np.float32)], str(tmp_path / "out" / "model.mnn"))
    assert output.shape == (1, 7, 64, 96)


@MNN
@pytest.mark.full
def test_weights_of_half_the_bytes_are_marked_and_compared(on_mnn: Path, bundle: Bundle, tmp_path: Path) -> None:
    wish = FormatOptions(half=True, size=(64, 96), pictures=[str(STREET)])
    checked = convert_bundle(bundle, tmp_path / "half", converter("mnn", wish))
    facts = told(tmp_path / "half", "mnn")
    assert (facts["weights"], facts["input"]["size"]) == ("float16", [64, 96])
    assert facts["preprocess"][0]["Resize"]["size"] == [64, 96]
    assert checked.share >= 0.99
    assert facts["compared"]["difference"] > told(on_mnn, "mnn")["compared"]["difference"]
    assert (tmp_path / "half" / "model.mnn").stat().st_size < 0.75 * (on_mnn / "model.mnn").stat().st_size
    with pytest.raises(ExportError, match=r"At least 100\.00% were expected") as refused:
        convert_bundle(bundle, tmp_path / "none", converter("mnn", FormatOptions(half=True, least=1.0)))
    assert "--agreement 0.9" in refused.value.hint or checked.share == 1.0
    assert not (tmp_path / "none").exists()


@NCNN
@pytest.mark.full
@pytest.mark.parametrize("half", [False, True])
def test_ncnn_gives_the_logits_of_the_network_at_its_size(half: bool, bundle: Bundle, tmp_path: Path) -> None:
    wish = FormatOptions(half, (64, 96), [str(STREET)])
    checked = convert_bundle(bundle, tmp_path / "out", converter("ncnn", wish))
    assert checked.share > (0.99 if half else 0.9999)
    assert checked.library.startswith("ncnn ")
    facts = told(tmp_path / "out", "ncnn")
    assert (facts["input"]["name"], facts["output"]["name"], facts["input"]["size"]) == ("in0", "out0", [64, 96])
    assert set(facts["files"]) == {"model.ncnn.param", "model.ncnn.bin"}
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    [found] = run_ncnn([batch], str(tmp_path / "out" / "model.ncnn.param"))
    expected = session_opener(bundle.verify(), "cpu", "paddle")(1).run(batch)
    assert np.abs(found - expected).max() < (2e-2 if half else 1e-4) * np.ptp(expected)


def unusual(path: Path, operator: str, attributes: dict[str, Any]) -> Path:
    """Writes a program that ends with an operation."""
    kind = TensorType("float32", (1, 3, 64, 64))
    nodes = (OnnxNode("Relu", ("x",), ("y",), {}), OnnxNode(operator, ("y",), ("z",), attributes))
    write_onnx(OnnxGraph(nodes, {}, {"x": kind}, {"z": kind}), path)
    return path


@MNN
def test_an_operation_that_mnn_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="MNN cannot convert net: it does not know FooBar"):
        convert_to_mnn(unusual(tmp_path / "model.onnx", "FooBar", {}), tmp_path, "net", half=False)
    assert os.listdir(tmp_path) == ["model.onnx"]


@NCNN
def test_an_operation_that_ncnn_does_not_know_is_named_though_pnnx_writes_files_all_the_same(tmp_path: Path) -> None:
    given = unusual(tmp_path / "model.onnx", "ArgMax", {"axis": 1, "keepdims": 1})
    with pytest.raises(ExportError, match="pnnx cannot convert net: it does not know ArgMax") as refused:
        convert_to_ncnn(given, tmp_path / "out", "net", (1, 3, 64, 64), half=False)
    assert "--format" in refused.value.hint
    assert (tmp_path / "model.ncnn.param").exists()
    (tmp_path / "model.ncnn.param").unlink()
    # One that is in no standard ends pnnx, which is an error too.
    with pytest.raises(ExportError, match=r"pnnx (failed|cannot convert net): "):
        convert_to_ncnn(unusual(given, "FooBar", {}), tmp_path / "out", "net", (1, 3, 64, 64), half=False)


@NCNN
def test_a_size_that_ncnn_cannot_have_is_refused_with_the_one_to_give(tmp_path: Path, bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="takes one size of input, and small takes any") as refused:
        convert_bundle(bundle, tmp_path / "out", converter("ncnn"))
    assert "--input-size 512 1024" in refused.value.hint
    ended = zoo_process("export", "starter", "--format", "ncnn", "--input-size", 360, 640, "-o", tmp_path / "out")
    assert ended.returncode == 1
    fact, hint = ended.stderr.splitlines()
    assert fact.startswith("360 is no multiple of 32, the stride of the network")
    assert hint == "Use: --input-size 352 640"
    assert os.listdir(tmp_path) == []


def test_a_program_of_one_size_stays_one(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="takes inputs of 64x96 only, not 64x64") as refused:
        framed(bundle, (-1, 3, 64, 96), (64, 64))
    assert refused.value.hint == "Leave out --input-size, or give 64 96."
    assert framed(bundle, (-1, 3, 64, 96), None, "ncnn").size == (64, 96)


def test_a_runtime_that_is_missing_is_an_error_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = {"MNN": "pip install MNN", "ncnn": "pip install ncnn", "pnnx": "pip install --no-deps pnnx"}
    there = importlib.util.find_spec
    for missing, line in lines.items():
        others = [name for name in lines if name != missing]
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, package=None, gone=missing, others=others: (
                None if name == gone else there("json") if name in others else there(name, package)
            ),
        )
        with pytest.raises(BackendNotInstalledError, match=f"{missing} is not installed") as refused:
            converter("mnn" if missing == "MNN" else "ncnn")
        assert refused.value.hint == f"Run: {line}"
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackendNotInstalledError, match="no paddle_lite_opt on PATH"):
        converter("paddle-lite")


@MNN
@pytest.mark.full
def test_a_runtime_that_ends_its_process_ends_no_export_without_a_word(bundle: Bundle, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "MNN"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("import os; os.abort()")
    words = "export", bundle.folder, "--format", "mnn", "-o", tmp_path / "out"
    ended = run_python("zoo", *words, first=str(tmp_path / "broken"))
    assert ended.returncode == 1
    fact, hint = ended.stderr.splitlines()
    assert "a trial of model.mnn, in a process of its own, ended by SIGABRT" in fact
    assert hint.startswith("Use another format, or another --input-size")
    assert not (tmp_path / "out").exists()


def test_pictures_that_are_not_there_are_an_error(bundle: Bundle, tmp_path: Path) -> None:
    program = bundle.verify()
    frame = framed(bundle, program.input_shape, None)
    with pytest.raises(zoo.SourceError, match=r"none\.jpg does not exist"):
        expected_of(frame, program, [str(tmp_path / "none.jpg")])
    with pytest.raises(zoo.SourceError, match="no picture"):
        expected_of(frame, program, [str(tmp_path)])


# What the examples share, without a runtime: the input that is prepared, and the mask of logits.
_ALONE = """
#include "mask.h"
int main(int, char** given) {
    const float mean[] = {0.5f, 0.4f, 0.3f}, deviation[] = {0.25f, 0.5f, 0.125f};
    Planes picture = read_ppm(given[1]);
    if (picture.values.empty()) return 2;
    const Planes input = normalized(resized(picture, 41, 60), 32, 128, mean, deviation);
    std::ofstream(given[2], std::ios::binary).write((const char*)input.values.data(), input.values.size() * 4);
    Planes logits{5, 8, 8, std::vector<float>(320)};
    std::ifstream(given[3], std::ios::binary).read((char*)logits.values.data(), 1280);
    const auto mask = best(logits, picture.height, picture.width, 8 * 41 / 64.0, 8 * 60 / 64.0, 0);
    return write_pgm(given[4], mask, picture.height, picture.width) ? 0 : 1;
}
"""


@COMPILER
def test_what_the_examples_do_to_a_picture_and_to_logits_is_what_zoo_does(tmp_path: Path) -> None:
    (tmp_path / "alone.cpp").write_text(_ALONE)
    built = ["g++", "-O1", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{HERE}", "alone.cpp", "-o", "alone"]
    subprocess.run(built, cwd=tmp_path, check=True)
    with Image.open(STREET) as opened:
        picture = np.asarray(opened.convert("RGB").resize((150, 90)))
    Image.fromarray(picture).save(tmp_path / "picture.ppm")
    logits = np.random.default_rng(0).normal(0, 1, (5, 8, 8)).astype(np.float32)
    logits.tofile(tmp_path / "logits")
    given = [tmp_path / name for name in ("picture.ppm", "input", "logits", "mask.pgm")]
    subprocess.run([tmp_path / "alone", *given], check=True)
    steps = (Resize((41, 60)), Pad(32), Normalize((0.5, 0.4, 0.3), (0.25, 0.5, 0.125)))
    expected, _ = preprocess(picture, steps)
    found = np.fromfile(tmp_path / "input", np.float32).reshape(expected.shape)
    # Pillow rounds the weights it averages with, so some numbers of 0 to 255 are one off.
    off = np.abs(found - expected) * np.array([0.25, 0.5, 0.125])[:, None, None] * 255
    assert off.max() < 1.01
    assert (off > 0.01).mean() < 0.01
    mask = np.asarray(Image.open(tmp_path / "mask.pgm"))
    # The part of the logits over the picture, at its size.
    rows, columns = (np.arange(side) + 0.5 for side in picture.shape[:2])
    y, x = rows * (8 * 41 / 64) / picture.shape[0] - 0.5, columns * (8 * 60 / 64) / picture.shape[1] - 0.5
    fine = _between(_between(logits.astype(np.float64), y, 1), x, 2)
    assert mask.shape == picture.shape[:2]
    assert (mask == fine.argmax(0)).mean() > 0.999
    assert subprocess.run([tmp_path / "alone", tmp_path / "logits", *given[1:]], check=False).returncode == 2


def _between(values: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    low = np.floor(places).astype(int)
    weight = (places - low).reshape([-1 if axis == at else 1 for at in range(3)])
    first, second = (values.take(np.clip(at, 0, values.shape[axis] - 1), axis) for at in (low, low + 1))
    return first * (1 - weight) + second * weight


def test_an_example_has_the_numbers_of_its_program_and_what_it_cannot_do_is_told() -> None:
    facts: dict[str, Any] = {
        "model": "street",
        "input": {"name": "x", "mean": [0.5, 0.25, 0.1], "std": [1, 0.5, 0.2]},
        "output": {"name": "y", "threshold": 0.5},
        "preprocess": [{"ResizeLong": {"size": 640}}, {"Pad": {"multiple": 32, "value": 127.5}}, {"Normalize": {}}],
    }
    for runtime in ("mnn", "ncnn"):
        text = str(example_of(runtime, facts))
        assert "@" not in text
        for line in ("factor = 640.0 / std::max(height, width);", "{0.5f, 0.25f, 0.1f}", "32, 128, mean", '"x"', '"y"'):
            assert line in text
        # About sixty lines: one screen.
        assert 45 < len(text.splitlines()) < 70
    facts["preprocess"][0] = {"Resize": {"size": [64, 64], "keep_ratio": True, "multiple": 1, "antialias": True}}
    assert str(example_of("mnn", facts)) == "There is no example in C++: it would have to do the step Resize."


def by_pkg_config(package: str) -> list[str]:
    """Returns what a compiler needs for a library; skips where that is not here."""
    if shutil.which("pkg-config") is None or shutil.which("g++") is None:
        pytest.skip("there is no pkg-config or no g++")
    found = subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"no {package} for C++ here: install it and name its {package}.pc by PKG_CONFIG_PATH")
    return found.stdout.split()


@pytest.mark.full
@pytest.mark.parametrize(
    ("runtime", "package"), [pytest.param("mnn", "MNN", marks=MNN), pytest.param("ncnn", "ncnn", marks=NCNN)]
)
def test_the_example_gives_the_mask_of_zoo(runtime: str, package: str, tmp_path: Path) -> None:
    flags = by_pkg_config(package)
    size = (352, 640)
    wish = FormatOptions(size=size, pictures=[str(STREET)])
    bundle = zoo.read_bundle(zoo.load("starter").bundle.folder)
    folder = tmp_path / "out"
    convert_bundle(bundle, folder, converter(runtime, wish))
    subprocess.run(
        ["g++", "-O2", "-std=c++17", "-Wall", f"{runtime}.cpp", "-o", "mask", *flags, "-fopenmp"],
        cwd=folder,
        check=True,
    )
    with Image.open(STREET) as opened:
        picture = opened.convert("RGB").resize((size[1], size[0]))
    picture.save(tmp_path / "picture.ppm")
    subprocess.run([folder / "mask", folder, tmp_path / "picture.ppm", tmp_path / "mask.pgm"], check=True)
    with zoo.load("starter") as model:
        expected = model.predict(np.asarray(picture)).one().mask
    found = np.asarray(Image.open(tmp_path / "mask.pgm"))
    assert (found == expected).mean() > 0.999
    assert subprocess.run([folder / "mask", tmp_path, tmp_path / "picture.ppm", "x"], check=False).returncode == 1
    assert subprocess.run([folder / "mask"], check=False, capture_output=True).returncode == 2


# Called as the documentation of Paddle Lite says; the program itself was not to be had.
_OPT = """#!/bin/sh
for word; do case $word in --optimize_out=*) out=${word#*=};; --model_file=*) model=${word#*=};; esac; done
test -s "$model" && cp "$model" "$out.nb"
"""
_OLDER = """
import sys, paddle
network = paddle.nn.Conv2D(3, 7, 8, 8)
network.eval()
spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
paddle.jit.save(network, sys.argv[1], input_spec=spec)
"""


@pytest.mark.full
def test_paddle_lite_gets_what_its_own_program_makes_of_an_older_program(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "paddle_lite_opt").write_text(_OPT)
    (tmp_path / "bin" / "paddle_lite_opt").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ExportError, match=r"reads programs in paddle's older form, .* not inference\.json"):
        convert_bundle(bundle, tmp_path / "out", converter("paddle-lite"))
    older = tmp_path / "older"
    older.mkdir()
    ended = run_python(_OLDER, older / "inference", FLAGS_enable_pir_api="0")
    assert (older / "inference.pdmodel").is_file(), ended.stderr
    settings = yaml.safe_load((bundle.folder / "inference.yml").read_text())
    files = {name: sha256((older / name).read_bytes()).hexdigest() for name in os.listdir(older) if name[-1] != "o"}
    settings["zoo"]["sha256"] = files
    del settings["zoo"]["golden"]
    (older / "inference.yml").write_text(yaml.safe_dump(settings))
    checked = convert_bundle(read_bundle(older), tmp_path / "out", converter("paddle-lite"))
    assert str(checked.said).startswith("model.nb was not checked")
    facts = told(tmp_path / "out", "paddle-lite")
    assert (facts["input"]["name"], facts["output"]) == ("x", {"kind": "logits", "stride": 8})
    assert {"model.nb", "paddle-lite.json"} <= set(read_bundle(tmp_path / "out").digests)
    with pytest.raises(ExportError, match="as they are, and nothing is compared"):
        convert_bundle(read_bundle(older), tmp_path / "half", converter("paddle-lite", FormatOptions(half=True)))

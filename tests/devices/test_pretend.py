"""Devices npu and mlu for real, on a runtime that pretends to have them: see `tests/pretend/runtime.cc`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pretend.build import VISIBLE
from pretend.machine import Machine

from scenes import draw_scene
from zoo.bundle.bundle import Bundle

_LOGITS = """
import sys
import numpy as np
from pathlib import Path
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener
from zoo.engine.paddle.probe import run_predictor
from zoo.engine.paddle.settings import make_config
program = read_bundle(Path(sys.argv[1])).verify()
batch = np.random.default_rng(0).standard_normal((2, 3, 64, 96)).astype(np.float32)
session = session_opener(program, sys.argv[2], "paddle")(1)
found = session.run(batch)
from paddle.inference import create_predictor
expected = run_predictor(create_predictor(make_config(program.path, program.params, "plain", threads=1)), batch)
print(session.facts.device, np.array_equal(found, expected), found.shape)
"""


@pytest.mark.parametrize("device", [pytest.param("npu:0", marks=pytest.mark.full), "npu:1", "mlu:1"])
def test_a_device_gives_the_logits_of_the_processor_bit_for_bit_and_does_the_work(
    machine: Machine, bundle: Bundle, device: str
) -> None:
    ended = machine.run("-c", _LOGITS, bundle.folder, device)
    assert ended.stdout.splitlines()[-1:] == [f"{device} True (2, 7, 8, 12)"], ended
    assert machine.used() == {device}


def test_the_command_line_needs_nothing_but_the_device(machine: Machine, bundle: Bundle, picture: Path) -> None:
    ended = machine.zoo("predict", picture, "--model", bundle.folder, "--device", "NPU:1", "--json")
    assert ended.returncode == 0, ended
    assert json.loads(ended.stdout)["device"] == "npu:1"
    assert machine.used() == {"npu:1"}


@pytest.mark.full
@pytest.mark.parametrize(
    ("device", "variables", "reason"),
    [
        ("npu:2", {}, "there are 2, numbered from 0"),
        ("npu:0", {"PRETEND_COUNT": "0"}, "its runtime finds no device"),
        ("npu:1", {VISIBLE["npu"]: "1"}, "there are 1, numbered from 0"),
        ("npu:0", {"FLAGS_selected_npus": "1"}, "the usable ones are npu:1"),
        ("npu:0", {"CUSTOM_DEVICE_ROOT": "/nowhere"}, "has no device plugin beside it"),
        ("gpu:0", {}, "is built without CUDA"),
        ("xpu:0", {}, "is built without XPU"),
    ],
)
def test_a_device_that_is_not_there_is_a_sentence(
    machine: Machine, bundle: Bundle, picture: Path, device: str, variables: dict[str, str], reason: str
) -> None:
    ended = machine.zoo("predict", picture, "--model", bundle.folder, "--device", device, **variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    fact, hint = ended.stderr.splitlines()
    assert fact.startswith(f"The device {device} cannot be used: ")
    assert reason in fact
    assert hint


def test_a_visibility_variable_renumbers(machine: Machine, bundle: Bundle, picture: Path) -> None:
    words = "predict", picture, "--model", bundle.folder, "--device", "npu:0", "--json"
    ended = machine.zoo(*words, **{VISIBLE["npu"]: "1"})
    assert json.loads(ended.stdout)["device"] == "npu:0"
    assert machine.used() == {"npu:1"}


def test_a_runtime_that_cannot_be_loaded_is_told_and_ends_nothing(
    machine: Machine, bundle: Bundle, picture: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "libnpu.so").write_bytes(b"\x7fELF")
    words = "predict", picture, "--model", bundle.folder, "--device", "npu:0"
    ended = machine.zoo(*words, CUSTOM_DEVICE_ROOT=str(broken))
    assert ended.returncode == 1
    assert ended.stderr.startswith("The device npu:0 cannot be used: ")
    assert "file too short" in ended.stderr


def test_two_devices_share_the_pictures_in_their_order(machine: Machine, bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "streets"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(draw_scene(number, 96, 160).image).save(folder / f"{number}.png")
    words = "predict", folder, "--model", bundle.folder, "--json", "--device"
    one, two = (machine.zoo(*words, device) for device in ("npu:0", "npu:0,1"))
    assert two.returncode == 0, two
    assert machine.used() == {"npu:0", "npu:1"}
    results = [[json.loads(line) for line in ended.stdout.splitlines()] for ended in (one, two)]
    assert [result["source"] for result in results[0]] == [result["source"] for result in results[1]]
    assert [result["classes"] for result in results[0]] == [result["classes"] for result in results[1]]
    assert {result["device"] for result in results[1]} == {"npu:0", "npu:1"}


@pytest.mark.full
def test_evaluate_tiff_and_pipelines_use_several_devices_too(
    machine: Machine, bundle: Bundle, picture: Path, tmp_path: Path
) -> None:
    scene = draw_scene(3, 160, 224).image
    for name, pixels in (("images", scene), ("masks", scene[:, :, 0] % 7)):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    Image.fromarray(scene).save(tmp_path / "large.tif")
    words = "evaluate", bundle.folder, "--data", tmp_path, "--json", "--device"
    figures = [json.loads(machine.zoo(*words, device).stdout) for device in ("cpu", "npu:0,1")]
    assert [found["device"] for found in figures] == ["cpu", "npu:0,npu:1"]
    assert figures[0]["IoU"] == figures[1]["IoU"]
    assert machine.used() == {"npu:0", "npu:1"}
    window = "--window", "64", "64", "--model", bundle.folder
    for device in ("cpu", "mlu:1,0"):
        ended = machine.zoo("tiff", tmp_path / "large.tif", tmp_path / f"{device[:3]}.tif", *window, "--device", device)
        assert ended.returncode == 0, ended
    masks = [np.asarray(Image.open(tmp_path / f"{name}.tif")) for name in ("cpu", "mlu")]
    assert np.array_equal(*masks)
    assert machine.used() == {"mlu:0", "mlu:1"}
    (tmp_path / "pipeline.yaml").write_text(f"zoo: 1\nmodel: {bundle.folder}\ndevice: npu:1,0\n")
    ended = machine.zoo("predict", tmp_path / "images", "--pipeline", tmp_path / "pipeline.yaml", "--json")
    assert {json.loads(line)["device"] for line in ended.stdout.splitlines()} <= {"npu:0", "npu:1"}, ended
    assert machine.used() == {"npu:0", "npu:1"}


@pytest.mark.full
def test_auto_is_the_first_kind_with_a_device(machine: Machine, bundle: Bundle, picture: Path) -> None:
    words = "predict", picture, "--model", bundle.folder, "--device", "auto", "--json"
    assert json.loads(machine.zoo(*words).stdout)["device"] == "npu:0"
    assert json.loads(machine.zoo(*words, PRETEND_COUNT="0").stdout)["device"] == "cpu"

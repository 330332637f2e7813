"""`zoo devices` and `zoo doctor` on pretend devices: what they see of them, and whether those compute rightly."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pretend.machine import Machine

from zoo.bundle.bundle import Bundle

_BROKEN = """
from dataclasses import replace
from zoo.plugin import Embedded, Family, hookimpl
from zoo_plugin_starter.card import STARTER

@hookimpl
def zoo_families():
    card = replace(STARTER, name="broken", weights=Embedded("zoo_broken", "gone"))
    return [Family("broken", "Broken", (card,), api=1)]
"""


def test_each_picture_is_compared_with_the_processor_on_each_device(machine: Machine, bundle: Bundle) -> None:
    ended = machine.zoo("doctor", bundle.folder, "--device", "npu:0,1", "--json")
    assert ended.returncode == 0, ended
    document = json.loads(ended.stdout)
    # There is no mask that the model must give: the processor says what is right.
    assert (document["state"], document["agreement"]) == ("ok", None)
    assert document["beside"]["engine"].startswith("paddle ")
    pictures = document["beside"]["pictures"]
    assert [picture["device"] for picture in pictures] == 4 * ["npu:0"] + 4 * ["npu:1"]
    assert [picture["picture"] for picture in pictures[:4]] == ["self-test", "noise", "noise", "noise"]
    assert len({tuple(picture["shape"]) for picture in pictures}) == 4
    for picture in pictures:
        assert picture["agreement"] == 1
        assert 0 <= picture["difference"] < 1e-4
        assert min(picture["milliseconds"], picture["cpu_milliseconds"]) > 0
    assert machine.used() == {"npu:0", "npu:1"}


def test_a_device_that_computes_wrongly_is_found_out(machine: Machine, bundle: Bundle) -> None:
    ended = machine.zoo("doctor", bundle.folder, "--device", "npu:1", PRETEND_WRONG="1")
    assert ended.returncode == 1, ended
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert ["State", "problem"] in lines
    rows = [line for line in lines if line[2:3] == ["npu:1"]]
    assert [row[0] for row in rows] == ["self-test", "noise", "noise", "noise"]
    assert min(float(row[3].removesuffix("%")) for row in rows) < 90
    assert max(float(row[4]) for row in rows) > 0.1
    assert ended.stderr.endswith(" --device cpu  (if that is right, npu:1 computes wrongly)\n")


@pytest.mark.full
def test_every_model_is_tested_on_a_device_and_the_next_one_after_one_that_fails(
    machine: Machine, tmp_path: Path
) -> None:
    info = tmp_path / "site" / "zoo_broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo.models]\nit = zoo_broken\n")
    (info.parent / "zoo_broken").mkdir()
    (info.parent / "zoo_broken" / "__init__.py").write_text(_BROKEN)
    path = os.pathsep.join([str(info.parent), machine.environ["PYTHONPATH"]])
    ended = machine.zoo("doctor", "--all", "--device", "npu", PYTHONPATH=path)
    assert ended.returncode == 1, ended
    broken, *_, starter = [line.split() for line in ended.stdout.splitlines()]
    assert broken[:2] == ["problem", "broken"]
    assert " ".join(starter).startswith("ok starter 100.000% as on the cpu, logits within ")
    assert ended.stderr == "1 of 2 failed\n"
    assert machine.used() == {"npu:0"}


def test_a_device_that_no_model_can_use_is_told_once(machine: Machine) -> None:
    ended = machine.zoo("doctor", "--all", "--device", "npu:7")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("The device npu:7 cannot be used: there are 2, numbered from 0.")


@pytest.mark.parametrize("content", [b"\x7fELF", None])
def test_the_report_says_what_is_installed_and_loads_no_runtime(
    machine: Machine, tmp_path: Path, content: bytes | None
) -> None:
    variables: dict[str, str] = {}
    if content is not None:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "libnpu.so").write_bytes(content)
        variables = {"CUSTOM_DEVICE_ROOT": str(tmp_path / "broken")}
    ended = machine.zoo("doctor", "--json", **variables)
    assert ended.returncode == 0, ended
    found = {
        finding["name"]: finding for finding in json.loads(ended.stdout)["findings"] if finding["topic"] == "devices"
    }
    assert list(found) == ["cpu", "gpu", "mlu", "npu", "xpu"]
    for kind in ("npu", "mlu"):
        assert found[kind]["value"] == "installed; not asked for its devices"
        assert found[kind]["help"] == "Run: zoo devices --probe"
    states = {state["kind"]: state for state in json.loads(machine.zoo("devices", "--json", **variables).stdout)}
    for kind in ("gpu", "xpu"):
        assert found[kind]["value"] == f"none: {states[kind]['reason']}"
        assert found[kind]["state"] == "note"
    assert list(tmp_path.glob("stats.*")) == []


def test_the_kinds_are_listed_at_once_and_asked_when_that_is_wanted(machine: Machine, tmp_path: Path) -> None:
    ended = machine.zoo("devices")
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert ["npu", "Ascend", "NPU", "not", "asked", "-", "zoo-device-npu"] in [row[:-1] for row in rows]
    assert ended.stderr == "Run: zoo devices --probe\n"
    assert list(tmp_path.glob("stats.*")) == []
    probed = machine.zoo("devices", "--probe")
    rows = [line.split() for line in probed.stdout.splitlines()]
    assert ["npu", "Ascend", "NPU", "yes", "2", "zoo-device-npu"] in [row[:-1] for row in rows]
    assert "gpu cannot be used: paddlepaddle" in probed.stdout
    assert probed.stderr == ""
    for line in (ended.stdout + probed.stdout).splitlines():
        assert len(line) <= 80 or line.startswith("Run: ")


def test_a_kind_is_told_why_it_cannot_be_used_when_it_is_asked(machine: Machine) -> None:
    states = json.loads(machine.zoo("devices", "--probe", "--json", PRETEND_COUNT="0").stdout)
    [npu] = [state for state in states if state["kind"] == "npu"]
    assert (npu["count"], npu["state"]) == (0, "no")
    assert npu["reason"] == "its runtime finds no device, or the visible ones leave none"

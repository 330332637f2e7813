"""Networks on pretend devices, by the script for machines with real ones: what the processor gives, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pretend.machine import Machine
from pretend.models import FAMILIES

_SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "device_check.py"


def checked(machine: Machine, device: str, *models: str, code: int = 0) -> dict[str, Any]:
    # With several threads the processor sums in another order: the logits of OCRNet differ in their last bits.
    ended = machine.run(_SCRIPT, "--device", device, "--threads", 1, "--size", 64, 96, "--models", *models)
    assert ended.returncode == code, ended
    return json.loads(ended.stdout.splitlines()[-1])


def exact(row: dict[str, Any], device: str) -> None:
    for model in row["models"]:
        assert model.get("fault") is None, model
        assert (model["computed on"], model["difference"], model["same class"]) == (device, 0.0, 1.0), model
        assert model["ms"] > 0


@pytest.mark.full
def test_the_check_of_a_device_is_a_row(machine: Machine) -> None:
    row = checked(machine, "npu:0", "PP-LiteSeg-T")
    assert (row["device"], row["size"], len(row["models"])) == ("npu:0", [64, 96], 1)
    exact(row, "npu:0")
    assert machine.used() == {"npu:0"}


def test_a_device_that_is_not_there_is_no_row(machine: Machine) -> None:
    ended = machine.run(_SCRIPT, "--device", "npu:7", "--models", "PP-LiteSeg-T")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "The device npu:7 cannot be used: there are 2, numbered from 0.\nUse device='cpu'\n" in ended.stderr


@pytest.mark.full
def test_the_check_runs_on_the_processor_too(machine: Machine) -> None:
    row = checked(machine, "cpu", "PP-LiteSeg-T")
    assert [model["computed on"] for model in row["models"]] == ["cpu"]


@pytest.mark.full
@pytest.mark.parametrize("device", ["npu:0", "npu:1", "mlu:0"])
def test_every_family_gives_what_it_gives_on_the_processor_bit_for_bit(machine: Machine, device: str) -> None:
    row = checked(machine, device, *FAMILIES)
    assert len(row["models"]) == len(FAMILIES)
    exact(row, device)
    assert machine.used() == {device}

"""Models with their own weights on pretend devices, and the table of docs/devices.md that says so."""

from __future__ import annotations

import importlib
from pathlib import Path

import device_table
import numpy as np
import pytest
from PIL import Image
from pretend.machine import Machine
from pretend.models import KINDS, WHOLE

STREET = Path(__file__).resolve().parents[2] / "docs" / "street.jpg"


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "npu" else pytest.mark.full) for kind in KINDS]
)
@pytest.mark.parametrize("model", WHOLE)
def test_a_model_gives_the_mask_of_the_processor(machine: Machine, tmp_path: Path, kind: str, model: str) -> None:
    """oneDNN rounds in its own way, on the processor only: a few pixels at borders may differ."""
    masks: list[np.ndarray] = []
    for device, used in (("cpu", set[str]()), (f"{kind}:1", {f"{kind}:1"})):
        folder = tmp_path / device.replace(":", "")
        words = "predict", STREET, "--model", model, "--save", "mask", "-o", folder, "--device", device
        ended = machine.zoo(*words)
        assert ended.returncode == 0, ended
        assert machine.used() == used
        masks.append(np.asarray(Image.open(folder / "street_mask.png")))
    assert len(np.unique(masks[0])) > 5
    assert (masks[0] == masks[1]).mean() > 0.9999


def test_the_table_of_the_documentation_is_what_plugins_and_tests_say() -> None:
    assert device_table.PAGE.read_text(encoding="utf-8") == device_table.page()


@pytest.mark.parametrize("kind", device_table.KINDS)
def test_the_models_a_plugin_knows_exist(kind: str) -> None:
    [device] = importlib.import_module(f"zoo_device_{kind}").zoo_devices()
    assert device.known <= set(device_table.models())
    assert device.known

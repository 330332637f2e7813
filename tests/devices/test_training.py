"""Training on the pretend runtime: what paddle calls a device, its variables, and the launcher for several."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pretend.machine import Machine

from support import draw_dataset
from zoo.learn.run.run_folder import RunFolder

_START = """
import json, subprocess, sys
from pathlib import Path
from zoo.learn.place import training_place
place = training_place(sys.argv[1])
folder = Path(sys.argv[2])
command = place.command("devices.trains", str(folder), *place.devices, logs=folder / "logs")
ended = subprocess.run(command, env=place.environment(), capture_output=True, text=True, timeout=200)
sys.stderr.write(ended.stderr)
print(json.dumps([ended.returncode, place.devices]))
"""


def test_training_runs_on_the_device_and_on_several_and_learns_what_the_processor_learns(
    machine: Machine, tmp_path: Path
) -> None:
    """Kernels that the pretend devices lack read their memory, so it is open here."""
    losses: dict[str, str] = {}
    for address, devices in (("cpu", ["cpu"]), ("npu:1", ["npu:1"]), ("npu:0,1", ["npu:0", "npu:1"])):
        folder = tmp_path / address.replace(":", "")
        folder.mkdir()
        ended = machine.run("-c", _START, address, folder, PRETEND_OPEN="1")
        assert ended.returncode == 0, ended
        assert json.loads(ended.stdout) == [0, devices], ended
        assert machine.used() == {name for name in devices if name != "cpu"}
        losses |= {f"{address} {path.stem}": path.read_text() for path in folder.glob("*.txt")}
    assert len(losses) == 4
    assert len(set(losses.values())) == 1, losses


@pytest.mark.full
def test_zoo_train_runs_on_a_device_and_learns_what_the_processor_learns(machine: Machine, tmp_path: Path) -> None:
    """PP-LiteSeg: other networks have products with what needs no gradient, which paddle cannot do there (3.2.2)."""
    streets = draw_dataset(tmp_path / "streets", 4, 64, 64, train=3)
    settings = [f"train.{word}" for word in ("iterations=2", "batch_size=2", "accumulate=1", "evaluate_every=2")]
    losses: list[list[float]] = []
    for device in ("cpu", "npu:1"):
        run = tmp_path / device.replace(":", "")
        words = ["train", "PP-LiteSeg-T", streets, "-o", run, "--device", device]
        ended = machine.zoo(*words, *(word for text in settings for word in ("--set", text)), PRETEND_OPEN="1")
        assert ended.returncode == 0, ended.stderr
        assert ("npu:1" in machine.used()) == (device == "npu:1")
        losses.append([line["loss"] for line in RunFolder(run).log() if "loss" in line])
    assert len(losses[0]) == 2
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)

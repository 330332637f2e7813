"""Training on the pretend runtime: what paddle calls a device, its variables, and the launcher for several."""

from __future__ import annotations

import json
from pathlib import Path

from pretend.machine import Machine

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

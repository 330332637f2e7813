"""A machine with pretend devices: see `runtime.cc`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

COUNTERS = ("allocations", "bytes", "to_device", "from_device", "on_device", "fills", "used", "reserved")


class Machine:
    """A machine with pretend devices, on which zoo runs in a folder."""

    def __init__(self, runtime: Path, folder: Path) -> None:
        self._folder = folder
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FLAGS_")},
            "CUSTOM_DEVICE_ROOT": str(runtime),
            "GLOG_minloglevel": "2",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "ZOO_HOME": str(folder / "home"),
            "ZOO_OFFLINE": "1",
        }

    def run(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        environ = self.environ | {"PRETEND_STATS": str(self._folder / "stats")} | variables
        return subprocess.run(
            command, env=environ, cwd=self._folder, capture_output=True, text=True, timeout=240, check=False
        )

    def zoo(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "zoo", *words, **variables)

    def used(self) -> set[str]:
        """The devices that were used since the last time."""
        found: set[str] = set()
        for path in self._folder.glob("stats.*"):
            allocations = np.fromfile(path, np.int64).reshape(-1, len(COUNTERS))[:, 0]
            path.unlink()
            found |= {f"{path.suffix[1:]}:{number}" for number in np.flatnonzero(allocations)}
        return found

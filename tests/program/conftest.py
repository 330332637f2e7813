"""What several files of tests of programs take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program in paddle's older form, and what paddle makes of it."""
    folder = tmp_path_factory.mktemp("older")
    command = [sys.executable, str(Path(__file__).with_name("older_side.py")), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
    return folder

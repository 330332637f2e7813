"""Builds the pretend runtime (`runtime.cc`) against the headers of the paddle that is installed.

python tests/pretend/build.py                    npu and mlu; prints the folder for CUSTOM_DEVICE_ROOT
python tests/pretend/build.py KIND=VARIABLE      another kind, and the variable that hides its devices
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import paddle

#: The kinds that are pretended, and the variables that hide their devices.
VISIBLE: Mapping[str, str] = {"npu": "ASCEND_RT_VISIBLE_DEVICES", "mlu": "MLU_VISIBLE_DEVICES"}
_SOURCE = Path(__file__).with_name("runtime.cc")
_BUILD = Path(__file__).resolve().parents[2] / "build" / "pretend"


def compiler() -> str | None:
    """Returns the C++ compiler; None where there is none."""
    return shutil.which("g++")


def plugins(visible: Mapping[str, str] = VISIBLE) -> Path:
    """Returns a folder for CUSTOM_DEVICE_ROOT with a runtime of each kind; built once for a version of paddle.

    A runtime of one version that another one loads may end the process (3.3.1's in 3.2.2).

    Args:
        visible: The kinds, and the variables that hide their devices.
    """
    named = repr(sorted(visible.items()))
    digest = hashlib.sha256(_SOURCE.read_bytes() + paddle.__version__.encode() + named.encode()).hexdigest()[:16]
    folder = _BUILD / f"{paddle.__version__}-{digest}"
    if not folder.is_dir():
        _BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_BUILD) as scratch:
            for kind, variable in visible.items():
                _compile(kind, variable, Path(scratch) / "made" / f"libpretend_{kind}.so")
            try:
                os.replace(Path(scratch) / "made", folder)
            except OSError:
                # Another process of the tests was first.
                assert folder.is_dir()
    return folder


def _compile(kind: str, variable: str, target: Path) -> None:
    found = compiler()
    assert found is not None
    target.parent.mkdir(exist_ok=True)
    defined = [f'-DKIND="{kind}"', f'-DVISIBLE="{variable}"']
    include = f"-I{paddle.sysconfig.get_include()}"
    command = [found, "-std=c++17", "-O1", "-shared", "-fPIC", *defined, include, str(_SOURCE), "-o", str(target)]
    subprocess.run(command, check=True, timeout=300)


if __name__ == "__main__":
    sys.stdout.write(f"{plugins(dict(word.split('=') for word in sys.argv[1:]) or VISIBLE)}\n")

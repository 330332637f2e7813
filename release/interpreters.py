"""The interpreters that distributions are installed into: those of this machine, then those that uv can get."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from release.errors import ReleaseError
from release.run import run

_ASK = "import platform, sys; print(sys.executable, platform.python_version(), sys.implementation.name)"


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs.

    Attributes:
        version: Such as "3.12".
        path: The program.
        release: Such as "3.12.1".
    """

    version: str
    path: Path
    release: str


def find_interpreter(version: str, uv: Path) -> Interpreter | None:
    """Finds CPython of a version: on PATH, of pyenv, of uv, and at last one that uv downloads.

    Args:
        version: Such as "3.12".
        uv: The program uv.

    Returns:
        The first that runs and is of this version, or None: it is not to be had here.
    """
    for candidate in _candidates(version, uv):
        try:
            path, release, kind = run(candidate, "-I", "-c", _ASK).split()
        except (ReleaseError, ValueError):
            continue  # a shim of a version manager that leads nowhere, say
        if kind == "cpython" and release.startswith(f"{version}."):
            return Interpreter(version, Path(path), release)
    return None


def _candidates(version: str, uv: Path) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(root.glob(f"versions/{version}.*/bin/python"), reverse=True)
    words = uv, "python", "find", "--no-project", "--system", version
    for install in (False, True):
        try:
            if install:
                run(uv, "python", "install", "--no-bin", version)
            yield Path(run(*words).strip())
        except ReleaseError:
            continue

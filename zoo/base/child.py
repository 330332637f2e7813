"""How zoo starts another Python: with the packages of this one, and nothing from the current folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_START = Path(__file__).with_name("start.py")


def python(module: str, *arguments: str) -> list[str]:
    """Returns the command that runs a module of zoo in a process of its own.

    Args:
        module: Such as "zoo.engine.trial"; it is run as the main module.
        arguments: What it finds in `sys.argv` behind its own name.
    """
    return [sys.executable, str(_START), module, *arguments]


def environment() -> dict[str, str]:
    """Returns the environment for it, in which it finds the packages that this process finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(import_paths())}


def import_paths() -> list[str]:
    """Returns the folders of `sys.path`, without the current one unless PYTHONPATH names it.

    Python puts it there by itself, for `-c`, `-m`, a notebook or a script that lies in it; among pictures and downloads
    it may hold anything.
    """
    chosen = {os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder}
    try:
        unasked = {os.getcwd()} - chosen
    except FileNotFoundError:  # it was removed
        unasked = set[str]()
    return [path for folder in sys.path if folder and (path := os.path.abspath(folder)) not in unasked]

"""Packages that a result can be converted for, and that zoo itself does not need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zoo.errors import OutputError


def need(package: str, caller: str) -> Any:
    """Imports a package.

    Raises:
        OutputError: It is not installed.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise OutputError(
            "{caller} needs the package {package}, which is not installed.",
            "Run: pip install {package}",
            caller=caller,
            package=package,
        ) from error

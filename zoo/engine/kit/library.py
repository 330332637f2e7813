"""The library of an engine: whether it is there, and its import."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Generator, Sequence
from importlib import metadata
from typing import Any

from zoo.base.host import HOST
from zoo.contract.device import Probe
from zoo.contract.engine import Program
from zoo.engine.kit.translated import FORMATS
from zoo.errors import BackendNotInstalledError
from zoo.message import Message, described

_LOCK = threading.Lock()
# OpenVINO and NNCF tell a host of each import and conversion through it, and write a number into the home folder.
_REPORTERS = ("openvino_telemetry",)
# onnxruntime (1.32, on every system) sends events to its maker from its import on, and keeps them in the home folder.
# It reads this once.
_VARIABLES = {"ORT_DISABLE_TELEMETRY": "1"}


def library_probe(distributions: Sequence[str], program: Program | None) -> Probe:
    """Answers `Backend.supports` for an engine that opens what `as_onnx` makes of a program; imports nothing.

    Args:
        distributions: Those that bring the engine's library, the usual one first, whose name is the module's.
        program: The program; None asks about the library alone.
    """
    module = distributions[0]
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        reason = Message("{library} is not installed", library=module)
        return Probe(0, reason, install=Message("pip install {distribution}", distribution=module))
    if program is not None and (
        program.path.suffix not in FORMATS or (program.params is None) != (program.path.suffix == ".onnx")
    ):
        reason = Message(
            "it opens .json and .pdmodel with their .pdiparams, and .onnx, not {program}", program=program.path.name
        )
        return Probe(0, reason)
    return Probe(1, names=(f"{module} {_version(distributions)}".strip(),))


def import_library(module: str) -> Any:
    """Imports the library of an engine, which tells nobody that it is used.

    Args:
        module: Its name. What a library does when somebody else imports it first is theirs.

    Raises:
        BackendNotInstalledError: It cannot be imported.
    """
    with _LOCK, HOST.undisturbed(), _without_reports():
        try:
            return importlib.import_module(module)
        except Exception as error:
            raise BackendNotInstalledError(
                "{library} cannot be imported: {reason}.",
                "Run: pip install --force-reinstall {library}",
                library=module,
                reason=described(error),
            ) from error


@contextlib.contextmanager
def _without_reports() -> Generator[None]:
    """Hides from what is imported now what it would report its use through; afterwards all is as it was."""
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    modules = {name: sys.modules[name] for name in _REPORTERS if name in sys.modules}
    # Python raises ModuleNotFoundError for a module that is None there.
    nothing: dict[str, Any] = dict.fromkeys(_REPORTERS)
    os.environ.update(_VARIABLES)
    sys.modules.update(nothing)
    try:
        yield
    finally:
        for name in _REPORTERS:
            sys.modules.pop(name, None)
        sys.modules.update(modules)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def threads_setting(threads: int) -> Message:
    """Returns `Facts.setting` of an engine that has no other setting."""
    return Message("1 thread") if threads == 1 else Message("{threads} threads", threads=threads)


def _version(distributions: Sequence[str]) -> str:
    """Returns the version of the first that is installed; empty where none says."""
    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return ""

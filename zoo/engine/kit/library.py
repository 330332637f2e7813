"""The library of an engine: whether it is there, and its import."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from zoo.base.host import HOST
from zoo.contract.device import Probe
from zoo.contract.engine import Program
from zoo.engine.kit.translated import FORMATS
from zoo.errors import BackendNotInstalledError
from zoo.message import Message, described

_LOCK = threading.Lock()


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


def import_library(module: str, hidden: Sequence[str] = ()) -> Any:
    """Imports the library of an engine.

    Args:
        module: Its name.
        hidden: Modules that it must not find, such as one that reports its use to somebody.

    Raises:
        BackendNotInstalledError: It cannot be imported.
    """
    with _LOCK:
        present = {name: sys.modules[name] for name in hidden if name in sys.modules}
        nothing: dict[str, Any] = dict.fromkeys(hidden)
        try:
            with HOST.undisturbed():
                # Python raises ModuleNotFoundError for a module that is None there.
                sys.modules.update(nothing)
                return importlib.import_module(module)
        except Exception as error:
            raise BackendNotInstalledError(
                "{library} cannot be imported: {reason}.",
                "Run: pip install --force-reinstall {library}",
                library=module,
                reason=described(error),
            ) from error
        finally:
            for name in hidden:
                sys.modules.pop(name, None)
            sys.modules.update(present)


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

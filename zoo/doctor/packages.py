"""Installed packages: what their metadata says, without importing any."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from zoo.doctor.findings import Finding, State
from zoo.message import Message


@dataclass(frozen=True, slots=True)
class _Package:
    """A package that matters.

    Attributes:
        name: What the report calls it.
        module: The module it is imported as.
        distributions: All that bring this module, the usual one first; of two installed ones each overwrites files of
            the other.
        absent: What it means that there is none.
        faulty: What a fault means.
    """

    name: str
    module: str
    distributions: tuple[str, ...]
    absent: State = "ok"
    faulty: State = "note"


_PACKAGES = (
    _Package("zoo-core", "zoo", ("zoo-core",), "note", "problem"),
    _Package("numpy", "numpy", ("numpy",), "problem", "problem"),
    _Package("Pillow", "PIL", ("pillow",), "problem", "problem"),
    _Package("requests", "requests", ("requests",), "problem", "problem"),
    # That there is none is a finding about the engine.
    _Package(
        "paddle",
        "paddle",
        ("paddlepaddle", "paddlepaddle-gpu", "paddlepaddle-xpu", "paddlepaddle-dcu"),
        faulty="problem",
    ),
    # zoo itself uses none of these; engines of plugins and the user's own code may.
    _Package(
        "cv2",
        "cv2",
        (
            "opencv-python",
            "opencv-python-headless",
            "opencv-contrib-python",
            "opencv-contrib-python-headless",
        ),
    ),
    _Package("onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")),
    _Package("openvino", "openvino", ("openvino",)),
    # Videos, PDF documents, large TIFF files.
    _Package("av", "av", ("av",)),
    _Package("pypdfium2", "pypdfium2", ("pypdfium2",)),
    _Package("tifffile", "tifffile", ("tifffile",)),
)


def packages() -> Iterator[Finding]:
    """Looks at the packages zoo needs and those it can make use of."""
    for package in _PACKAGES:
        yield _look(package)


def _look(package: _Package) -> Finding:
    installed = {name: version for name in package.distributions for version in _versions(name)}
    place = _place(package.module)
    versions = [
        Message("{name} {version}", name=name, version=version or Message("(its METADATA is damaged)"))
        for name, version in installed.items()
    ]
    shown = Message("{versions: and }", versions=versions)
    distribution = next(iter(installed), package.distributions[0])
    again = Message("Run: pip install --force-reinstall --no-deps {distribution}", distribution=distribution)

    def finding(value: str, state: State = "ok", hint: str = "") -> Finding:
        return Finding("packages", package.name, value, state, hint)

    if not installed and place is None:
        hint = (
            Message("Run: pip install {distribution}", distribution=package.distributions[0])
            if package.absent != "ok"
            else ""
        )
        return finding("not installed", package.absent, hint)
    if not installed:
        return finding(Message("of no known distribution, {place}", place=place), "note")
    if place is None:
        return finding(
            Message("{shown}, but the module {module} cannot be found", shown=shown, module=package.module),
            package.faulty,
            again,
        )
    if len(installed) > 1:
        keep = next(iter(installed))
        return finding(
            Message(
                "{shown}: each brings the module {module} and overwrites the other's files",
                shown=shown,
                module=package.module,
            ),
            package.faulty,
            # Removing only one would take files of the other along.
            Message("Run: pip uninstall {names: }  and then: pip install {keep}", names=list(installed), keep=keep),
        )
    if None in installed.values():
        return finding(shown, package.faulty, again)
    return finding(shown)


def _versions(distribution: str) -> Iterator[str | None]:
    """Yields the version of a distribution, None if its metadata is damaged, nothing if it is not installed."""
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return
    version = None
    with contextlib.suppress(Exception):
        # An index of a missing field is None in one version of Python, a warning or an error in another.
        if "Version" in found.metadata:
            version = found.metadata["Version"]
    yield version


def _place(module: str) -> str | None:
    """Returns the file a module would be imported from; an empty folder of its name is no module."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec is not None else None

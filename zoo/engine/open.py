"""Inference engines: which there are and which one is used."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.bundle.bundle import Bundle
from zoo.contract.device import Device
from zoo.contract.engine import (
    Backend,
    Session,
    SessionOptions,
)
from zoo.engine.paddle import PaddleBackend
from zoo.errors import BackendError, BackendNotInstalledError
from zoo.message import Message

__all__ = ["choose_backend", "open_bundle"]


def choose_backend(name: str, device: Device, plugins: Mapping[str, Backend]) -> Backend:
    """Returns the engine to use on a device.

    Args:
        name: Name of an engine, or "auto" for paddle, the one that runs every program.
        device: Where it has to run.
        plugins: Engines that plugins bring, by name.

    Raises:
        BackendError: There is no engine of this name.
        BackendNotInstalledError: Its package is missing, or it does not run on this device.
    """
    backends: dict[str, Backend] = {**plugins, PaddleBackend.name: PaddleBackend()}
    backend = backends.get(PaddleBackend.name if name == "auto" else name)
    if backend is None:
        raise BackendError(
            "There is no engine called {name!r}. Installed: {backends:, }.",
            "Use backend='auto'",
            name=name,
            backends=sorted(backends),
        )
    probe = backend.probe(device)
    if not probe.count:
        raise BackendNotInstalledError(
            "The engine {backend} cannot be used on {kind}: {reason}.",
            Message('Run: pip install "zoo-core[cpu]"')
            if device.kind == "cpu"
            else Message("Run: pip install zoo-device-{kind}", kind=device.kind),
            backend=backend.name,
            kind=device.kind,
            reason=probe.reason,
        )
    return backend


def open_bundle(engine: Backend, bundle: Bundle, options: SessionOptions) -> Session:
    """Opens the program of an export folder whose files were verified.

    The paddle engine tries a program in a child process first; engines of plugins see to this themselves.

    Raises:
        BackendError: The engine refuses the program.
    """
    if isinstance(engine, PaddleBackend):
        return engine.open(bundle.program, bundle.params, options, bundle.digest)
    return engine.open(bundle.program, bundle.params, options)

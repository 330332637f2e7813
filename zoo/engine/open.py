"""From names to sessions: which device and which engine run a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from zoo.base.home import home
from zoo.contract.engine import Program, Request, Session
from zoo.engine.device import find_device
from zoo.engine.guard import GuardedBackend, GuardedDevice
from zoo.errors import BackendError, BackendNotInstalledError
from zoo.registry.discovery import CORE, Discovery, discover

#: Opens a session with so many threads.
Opener = Callable[[int], Session]


def session_opener(program: Program, device: str = "cpu", engine: str = "auto") -> Opener:
    """Chooses device and engine for a program.

    Args:
        program: The program.
        device: "cpu", or a kind of device with an optional number: "gpu", "npu:1".
        engine: Name of an engine, or "auto" for the first that runs the program on the device: zoo's own come first,
            then the others by name.

    Returns:
        A function that opens a session with so many threads. It raises `BackendError` or `DeviceError` where the engine
        or the device fails.

    Raises:
        DeviceNotInstalledError: No plugin brings this kind of device.
        DeviceUnavailableError: The plugin is there, but not the device.
        BackendError: There is no engine of this name.
        BackendNotInstalledError: No engine, or not this one, runs the program on the device.
        DuplicateNameError: Two distributions bring the device or the engine.
    """
    found = discover("zoo.devices", "zoo.backends")
    chosen, index = find_device(device, found)
    backend = choose_backend(engine, chosen, program, found)
    request = Request(chosen, index, 1, home() / "engines" / backend.name)
    return lambda threads: backend.open(program, replace(request, threads=threads))


def choose_backend(name: str, device: GuardedDevice, program: Program, found: Discovery) -> GuardedBackend:
    """Returns the engine that runs a program on a device.

    Raises:
        BackendError: There is no engine of this name.
        BackendNotInstalledError: It does not run this program on this device; for "auto": none does.
    """
    if name != "auto" and name not in found.backends:
        raise BackendError(
            f"There is no engine called {name!r}. Installed: {', '.join(sorted(found.backends)) or 'none'}.",
            "Use backend='auto'",
        )
    reasons: dict[str, str] = {}
    install = ""
    for backend in _in_order(found) if name == "auto" else [_guarded(name, found)]:
        answer = backend.supports(device, program)
        if answer.count:
            return backend
        reasons[backend.name] = answer.reason
        install = install or answer.install
    if len(reasons) == 1:
        [(only, reason)] = reasons.items()
        message = f"The engine {only} cannot be used on {device.kind}: {reason}."
    else:
        listed = "; ".join(f"{known}: {reason}" for known, reason in reasons.items())
        message = f"No engine can run {program.path.name} on {device.kind}. {listed or 'None is installed'}."
    if install:
        raise BackendNotInstalledError(message, f"Run: {install}")
    raise BackendNotInstalledError(message, "Run: zoo doctor" if name == "auto" else "Use backend='auto'")


def _in_order(found: Discovery) -> Iterator[GuardedBackend]:
    own = {backend.name for plugin in found.plugins if plugin.distribution == CORE for backend in plugin.backends}
    for name in sorted(found.backends, key=lambda name: (name not in own, name)):
        yield _guarded(name, found)


def _guarded(name: str, found: Discovery) -> GuardedBackend:
    backend = found.backends[name]
    return GuardedBackend(backend, str(found.owner(backend)))

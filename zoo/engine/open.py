"""From names to sessions: which device and which engine run a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import partial

from zoo import errors
from zoo.base.home import home
from zoo.contract.device import Probe
from zoo.contract.engine import Program, Request, Session
from zoo.engine.device import available_cores, find_device
from zoo.engine.engine import Engine, Opener
from zoo.engine.guard import GuardedBackend, GuardedDevice, plain
from zoo.engine.lanes import Lanes, check_streams
from zoo.engine.processes import ProcessSession
from zoo.engine.trial import Trial, in_child
from zoo.errors import BackendError, BackendNotInstalledError, DeviceUnavailableError
from zoo.message import Message
from zoo.registry.discovery import CORE, discover
from zoo.registry.found import Discovery

_TRIAL_SECONDS = 240.0


def open_engine(
    program: Program, device: str = "cpu", engine: str = "auto", threads: int | None = None, streams: int | None = None
) -> Engine:
    """Opens a program for any number of callers.

    Args:
        program: The program.
        device: As in `session_opener`.
        engine: See there.
        threads: Threads of a CPU engine; by default as many as cores are available to the process.
        streams: Batches that run at the same time when there are many; by default as many as there are threads, at most
            `zoo.engine.lanes.MOST`, where sessions run side by side in threads, else 1. Asked for where they do not,
            each stream is a process.

    Raises:
        ConfigError: There are more streams than threads.
        BackendError: The engine refuses the program.
        ZooError: Whatever `session_opener` raises.
    """
    threads = threads or available_cores()
    check_streams(streams, threads)
    opener = session_opener(program, device, engine)
    main = opener(threads)
    if main.parallel:
        return Lanes(main, opener, threads, streams)
    in_process = partial(ProcessSession, partial(_open_session, program, device, engine))
    return Lanes(main, in_process, threads, streams or 1, fall_back=False)


def _open_session(program: Program, device: str, engine: str, threads: int) -> Session:
    return session_opener(program, device, engine)(threads)


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
    chosen, index, devices = find_device(device, found)
    backend, libraries = choose_backend(engine, chosen, program, found)
    request = Request(chosen, index, 1, home() / "engines" / backend.name)
    if chosen.tried_first or backend.tried_first:
        _try_first(program, backend, chosen, request, (str(backend.owner), *libraries, str(chosen.owner), *devices))
    return lambda threads: backend.open(program, replace(request, threads=threads))


def choose_backend(
    name: str, device: GuardedDevice, program: Program, found: Discovery
) -> tuple[GuardedBackend, tuple[str, ...]]:
    """Returns the engine that runs a program on a device, and its libraries with their versions.

    Raises:
        BackendError: There is no engine of this name.
        BackendNotInstalledError: It does not run this program on this device; for "auto": none does.
    """
    if name != "auto" and name not in found.backends:
        raise _unknown(name, found)
    refusals: dict[str, Probe] = {}
    for backend in _in_order(found) if name == "auto" else [_guarded(name, found)]:
        answer = backend.supports(device, program)
        if answer.count:
            return backend, answer.names
        refusals[backend.name] = answer
    if name == "auto":
        for plugin in found.faults("zoo.backends"):
            refusals[plugin] = Probe(0, Message("it could not be loaded"))
    install = next((answer.install for answer in refusals.values() if answer.install), "")
    hint = Message("Run: {install}", install=install) if install else Message("Run: zoo doctor")
    if len(refusals) == 1:
        [(only, answer)] = refusals.items()
        raise BackendNotInstalledError(
            "The engine {engine} cannot be used on {device}: {reason}.",
            hint,
            engine=only,
            device=device.kind,
            reason=answer.reason,
        )
    raise BackendNotInstalledError(
        "No engine can run {program} on {device}. {reasons:; }.",
        hint,
        program=program.path.name,
        device=device.kind,
        reasons=[
            Message("{engine}: {reason}", engine=engine, reason=answer.reason) for engine, answer in refusals.items()
        ]
        or [Message("None is installed")],
    )


def _unknown(name: str, found: Discovery) -> BackendError:
    """Returns the error for a name that no engine has."""
    close = get_close_matches(name.lower(), found.backends, n=1, cutoff=0.5)
    present = sorted(found.backends) or [Message("none")]
    faults = found.faults("zoo.backends")
    if faults and not close:
        return BackendError(
            "There is no engine called {name!r}. Installed: {backends:, }. {faults: }",
            "Run: zoo plugins",
            name=name,
            backends=present,
            faults=list(faults.values()),
        )
    return BackendError(
        "There is no engine called {name!r}. Installed: {backends:, }.",
        "Use backend='{meant}'"
        if close
        else "Use backend='auto'  (engines come from plugins; docs/engines.md shows one for ONNX)",
        name=name,
        meant=close[0] if close else "",
        backends=present,
    )


def _try_first(
    program: Program, backend: GuardedBackend, device: GuardedDevice, request: Request, versions: tuple[str, ...]
) -> None:
    """Opens and runs a program in a child process, unless that went well before.

    Raises:
        BackendError: The engine refuses or fails, or ends the child.
        DeviceError: The device does.
    """
    # Its own name is code of its plugin, which may end the process like any other.
    name = f"{device.kind}:{request.index}" if device.tried_first else request.device_name
    trial = Trial(program.digest, backend.name, name, request.precision, versions)
    if trial.kept() is not None:
        return
    trial.announce()
    job = "zoo.engine.jobs:run", backend.name, device.kind, request.index, plain(program)
    outcome = in_child(*job, seconds=_TRIAL_SECONDS)
    if outcome.answer is not None:
        kind, message, hint = outcome.answer
        raise getattr(errors, kind)(message, hint)
    if outcome.reason is not None:
        what = Message(
            "a trial of {program} with the engine {engine}, in a process of its own, {reason}",
            program=program.path,
            engine=backend.name,
            reason=outcome.reason,
        )
        if device.tried_first:
            raise DeviceUnavailableError(
                "The device {device} of {owner} cannot be used: {reason}.",
                "Use device='cpu'",
                device=name,
                owner=device.owner,
                reason=what,
            )
        raise BackendError(
            "The engine {engine} of {owner} cannot be used: {reason}.",
            "Use backend='auto'",
            engine=backend.name,
            owner=backend.owner,
            reason=what,
        )
    trial.keep("", "")


def _in_order(found: Discovery) -> Iterator[GuardedBackend]:
    own = {backend.name for plugin in found.plugins if plugin.distribution == CORE for backend in plugin.backends}
    for name in sorted(found.backends, key=lambda name: (name not in own, name)):
        yield _guarded(name, found)


def _guarded(name: str, found: Discovery) -> GuardedBackend:
    backend = found.backends[name]
    return GuardedBackend(backend, found.owner(backend))

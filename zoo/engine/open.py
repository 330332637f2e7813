"""From names to sessions: which device and which engines run a program."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from zoo.contract.device import Probe
from zoo.contract.engine import Precision, Program
from zoo.engine.absent import how_to_get, no_such_engine, other_ways
from zoo.engine.candidate import Candidate
from zoo.engine.device import Devices, available_cores, find_devices
from zoo.engine.engine import Engine, Opener
from zoo.engine.guard import GuardedBackend, GuardedDevice
from zoo.engine.streams.lanes import Lanes
from zoo.engine.streams.shares import check_streams, check_workers, shares
from zoo.engine.streams.team import Team
from zoo.errors import BackendNotInstalledError
from zoo.message import Message
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import CORE, discover
from zoo.registry.found import Discovery


def open_engine(
    program: Program,
    candidate: Candidate,
    threads: int | None = None,
    streams: int | None = None,
    workers: int | None = None,
) -> Engine:
    """Opens a program for any number of callers.

    Args:
        program: The program.
        candidate: The engine and the device; one of `candidates`.
        threads: Threads of a CPU engine; by default as many as cores are available to the process.
        streams: Batches that run at the same time when there are many; by default as many as there are threads, at most
            `zoo.engine.streams.lanes.MOST`. Each is a process where sessions do not run side by side in threads; of an
            engine of a plugin only if they are asked for.
        workers: Processes among which the batches and the threads of the processor are shared; by default none. Each
            of several devices has a process anyway.

    Raises:
        ConfigError: There are more streams or workers than threads, both, or workers on a device.
        BackendError: The engine refuses the program.
        DeviceError: The device fails.
    """
    threads = threads or available_cores()
    check_streams(streams, threads)
    check_workers(workers, threads, streams, candidate.device.kind)
    if candidate.device.tried_first:
        return Team([partial(candidate.apart, program, threads, number) for number in candidate.numbers])
    if workers:
        return Team([partial(candidate.apart, program, share) for share in shares(threads, workers)])
    opener = candidate.opener(program)
    main = opener(threads)
    if main.parallel:
        return Lanes(main, opener, threads, streams)
    if candidate.backend.owner.distribution == CORE:
        # paddle 3.3 keeps other threads of Python waiting while it runs, so its streams are processes (measured:
        # `benchmarks/devices.py`). What other engines do there is not known: theirs are opened when they are asked for.
        return Lanes(main, partial(candidate.apart, program), threads, streams, fall_back=False)
    return Lanes(main, partial(candidate.apart, program), threads, streams or 1, fall_back=False)


def session_opener(
    program: Program, device: str = "cpu", engine: str = "auto", precision: Precision = "float32"
) -> Opener:
    """Returns a function that opens a session with so many threads, of the first of `candidates`.

    Raises:
        ZooError: As `candidates` and `Candidate.opener`.
    """
    return candidates(program, device, engine, precision)[0].opener(program)


def candidates(
    program: Program, device: str | Devices = "cpu", engine: str = "auto", precision: Precision = "float32"
) -> list[Candidate]:
    """Finds the engines that say they run a program.

    Args:
        program: The program.
        device: "cpu", or a kind of device with optional numbers: "gpu", "npu:1"; or those that were found already:
            looking for them asks a device in a process of its own.
        engine: Name of an engine, or "auto" for all of them: zoo's own come first, then the others by name.
        precision: Precision to ask them for.

    Returns:
        At least one.

    Raises:
        DeviceNotInstalledError: No plugin brings this kind of device.
        DeviceUnavailableError: The plugin is there, but not the device.
        BackendError: There is no engine of this name.
        BackendNotInstalledError: No engine, or not this one, runs the program on the device.
        DuplicateNameError: Two distributions bring the device or the engine.
    """
    found = discover("zoo.devices", "zoo.backends")
    meant = find_devices(device, found) if isinstance(device, str) else device
    chosen = meant.device
    if engine != "auto" and engine not in found.backends:
        raise no_such_engine(engine, found, _present(found, chosen))
    usable: list[Candidate] = []
    refusals: dict[str, Probe] = {}
    for backend in _in_order(found) if engine == "auto" else [_guarded(engine, found)]:
        answer = _refused(backend, program, precision) or backend.supports(chosen, program)
        if answer.count:
            usable.append(Candidate(backend, answer.names, chosen, meant.numbers, meant.names, precision))
        refusals[backend.name] = answer
    if usable:
        return usable
    if engine == "auto":
        for plugin in found.faults("zoo.backends"):
            refusals[plugin] = Probe(0, Message("it could not be loaded"))
    raise _none(refusals, chosen.kind, program, _hint(refusals, found, chosen, program, precision))


def _refused(backend: GuardedBackend, program: Program, precision: Precision) -> Probe | None:
    if precision in backend.precisions:
        if precision != "int8" or program.calibration or not backend.calibrates:
            return None
        install = "zoo optimize MODEL --images DIR --precision int8"
        return Probe(0, Message("the model is not calibrated for int8 on this machine"), install=install)
    reason = Message("it computes in {known:, } and not in {precision}", known=backend.precisions, precision=precision)
    return Probe(0, reason)


def _hint(
    refusals: dict[str, Probe], found: Discovery, device: GuardedDevice, program: Program, precision: Precision
) -> Message:
    """Returns the next step where no engine can be used: what to install, or the engine that has the precision."""
    others = [backend for backend in _in_order(found) if backend.name not in refusals]
    if installs := list(dict.fromkeys(answer.install for answer in refusals.values() if answer.install)):
        ways: list[str] = [*installs[1:], *other_ways(found)]
        if others or not ways or precision != "float32" or device.kind != "cpu":
            return Message("Run: {install}", install=installs[0])
        return Message("Run: {install}  (or {ways:; or })", install=installs[0], ways=ways)
    for backend in others:
        if precision in backend.precisions and backend.supports(device, program).count:
            return Message("Use backend='{engine}', or precision='float32'", engine=backend.name)
    having = [engine.name for engine in read_catalogue().engines if precision in engine.precisions]
    return next(filter(None, (how_to_get(name, found) for name in having)), Message("Run: zoo doctor"))


def _none(refusals: dict[str, Probe], kind: str, program: Program, hint: Message) -> BackendNotInstalledError:
    """Returns the error where no engine can be used."""
    if len(refusals) == 1:
        [(only, answer)] = refusals.items()
        return BackendNotInstalledError(
            "The engine {engine} cannot be used on {device}: {reason}.",
            hint,
            engine=only,
            device=kind,
            reason=answer.reason,
        )
    return BackendNotInstalledError(
        "No engine can run {program} on {device}. {reasons:; }.",
        hint,
        program=program.path.name,
        device=kind,
        reasons=[
            Message("{engine}: {reason}", engine=engine, reason=answer.reason) for engine, answer in refusals.items()
        ]
        or [Message("None is installed")],
    )


def _present(found: Discovery, device: GuardedDevice) -> list[str]:
    """Returns the engines whose libraries are here."""
    return [
        name
        for name in sorted(found.backends)
        if not found.backends.is_clash(name) and _guarded(name, found).supports(device, None).count
    ]


def _in_order(found: Discovery) -> Iterator[GuardedBackend]:
    own = {backend.name for plugin in found.plugins if plugin.distribution == CORE for backend in plugin.backends}
    for name in sorted(found.backends, key=lambda name: (name not in own, name)):
        yield _guarded(name, found)


def _guarded(name: str, found: Discovery) -> GuardedBackend:
    backend = found.backends[name]
    return GuardedBackend(backend, found.owner(backend))

"""What a child process asks of plugins; see `zoo.engine.trial` and `zoo.engine.streams.processes`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.base.home import home
from zoo.contract.engine import Precision, Program, Request, Session
from zoo.engine.guard import GuardedBackend, GuardedDevice
from zoo.engine.replies import asked
from zoo.errors import ZooError
from zoo.registry.discovery import discover


def probe(kind: str) -> dict[str, Any]:
    """Returns the answer of a device to "are you there?"."""
    found = discover("zoo.devices")
    device = found.devices[kind]
    return asdict(asked(device.probe, found.owner(device)))


def supports(engine: str, kind: str, program: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the answer of an engine to "do you run this program on this device?"."""
    found = discover("zoo.devices", "zoo.backends")
    backend, device = found.backends[engine], found.devices[kind]
    wanted = None if program is None else program_of(program)
    return asdict(asked(lambda: backend.supports(device, wanted), found.owner(backend)))


def run(engine: str, kind: str, index: int, precision: Precision, program: dict[str, Any]) -> list[str] | None:
    """Opens a program and runs it on made-up inputs.

    Returns:
        None where all went well; else zoo's error: the name of its class, the message and the hint.
    """
    import numpy as np

    from zoo.engine.samples import smooth_noise, trial_shapes

    wanted = program_of(program)
    guarded, request = _request(engine, kind, index, precision, 1)
    try:
        # Not every engine asks for it, but the parent will.
        str(request.device_name)
        session = guarded.open(wanted, request)
        rng = np.random.default_rng(0)
        for shape in trial_shapes(wanted.input_shape):
            session.run(smooth_noise(rng, shape))
        session.close()
    except ZooError as error:
        return [type(error).__name__, error.message, error.hint]
    return None


def opened(engine: str, kind: str, index: int, precision: Precision, program: Program, threads: int) -> Session:
    """Opens a program in this process, without asking first whether device and engine are there.

    Raises:
        ZooError: The engine or the device fails.
    """
    guarded, request = _request(engine, kind, index, precision, threads)
    return guarded.open(program, request)


def _request(engine: str, kind: str, index: int, precision: Precision, threads: int) -> tuple[GuardedBackend, Request]:
    """Returns an engine and what it is asked for."""
    found = discover("zoo.devices", "zoo.backends")
    backend, device = found.backends[engine], found.devices[kind]
    guarded = GuardedDevice(device, found.owner(device))
    request = Request(guarded, index, threads, home() / "engines" / engine, precision)
    return GuardedBackend(backend, found.owner(backend)), request


def program_of(document: dict[str, Any]) -> Program:
    """Returns a program that `zoo.engine.guard.plain` made plain data of."""
    fields = dict(document)
    for name in ("path", "params", "folder", "golden", "calibration"):
        fields[name] = None if fields[name] is None else Path(fields[name])
    if fields["input_shape"] is not None:
        fields["input_shape"] = tuple(fields["input_shape"])
    return Program(**fields)

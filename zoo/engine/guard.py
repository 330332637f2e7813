"""A guard around devices and engines: whatever their code raises or returns, the rest of zoo sees the contract.

Each class has the members of what it guards. Errors name the plugin and its distribution, and keep the plugin's own
error as their cause; errors of zoo's own engine go through as they are. KeyboardInterrupt is the caller's.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.contract.device import Device, Probe
from zoo.contract.engine import (
    Backend,
    Calibration,
    CalibrationPictures,
    Precision,
    Program,
    Request,
)
from zoo.engine.guard_session import GuardedSession
from zoo.engine.replies import asked, checked_facts, failure, report, signed
from zoo.engine.trial import Outcome, in_child
from zoo.errors import BackendError, BundleError, DeviceError, DeviceUnavailableError, SourceError
from zoo.message import Message
from zoo.registry.discovery import CORE
from zoo.registry.found import Discovery, Plugin

#: How long a plugin may take to say whether its device or engine is there.
PROBE_SECONDS = 20.0

_log = logging.getLogger("zoo.engine")


class GuardedDevice(Device):
    """A device of a plugin.

    Args:
        device: What the plugin brings.
        owner: How messages name the plugin.
    """

    def __init__(self, device: Device, owner: Plugin) -> None:
        self._device, self.owner = device, owner
        self.kind, self.api, self.tried_first = device.kind, device.api, device.tried_first
        self.environ, self.install = device.environ, device.install
        # A class that does not inherit from Device may leave them out.
        self.title, self.visibility = str(getattr(device, "title", "")), str(getattr(device, "visibility", ""))
        self.known = frozenset(getattr(device, "known", ()))
        self.ray_resource = str(getattr(device, "ray_resource", ""))
        self.training_environ = dict(getattr(device, "training_environ", {}))

    def missing(self) -> str:
        """Returns what is not installed that the devices need; the fault of the plugin where it fails."""
        question: Any = getattr(self._device, "missing", str)
        try:
            return str(question())
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            return failure(self.owner, "missing", cause)

    def training(self, index: int) -> str:
        """Returns what `paddle.set_device` calls a device.

        Raises:
            DeviceUnavailableError: The plugin failed.
        """
        with self._turned("training", index):
            return str(self._device.training(index))

    def probe(self) -> Probe:
        """Counts the devices; none, with the reason, where the plugin's own probe fails, hangs or ends its process."""
        if not self.tried_first:
            return asked(self._device.probe, self.owner)
        return _answered(in_child("zoo.engine.jobs:probe", self.kind, seconds=PROBE_SECONDS), self.owner)

    def configure(self, config: Any, index: int) -> None:
        """Points a `paddle.inference.Config` at a device.

        Raises:
            DeviceUnavailableError: The plugin failed.
        """
        with self._turned("configure", index):
            self._device.configure(config, index)

    def place(self, engine: str, index: int) -> Mapping[str, Any]:
        """Returns how another engine is pointed at a device.

        Raises:
            DeviceUnavailableError: The plugin failed.
        """
        with self._turned("place", index):
            return dict(self._device.place(engine, index))

    def name(self, index: int) -> str:
        """Returns the name of a device in results."""
        with self._turned("name", index):
            return str(self._device.name(index))

    @contextlib.contextmanager
    def _turned(self, method: str, index: int) -> Generator[None]:
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            raise DeviceUnavailableError(
                "The device {kind}:{index} cannot be used: {reason}.",
                report(self.owner),
                kind=self.kind,
                index=index,
                reason=failure(self.owner, method, cause),
            ) from cause


class GuardedBackend(Backend):
    """An engine of a plugin.

    Args:
        backend: What the plugin brings.
        owner: How messages name the plugin.
    """

    def __init__(self, backend: Backend, owner: Plugin) -> None:
        self._backend, self.owner = backend, owner
        self.name, self.api = backend.name, backend.api
        # A class that does not inherit from Backend may leave them out.
        self.precisions: tuple[Precision, ...] = tuple(getattr(backend, "precisions", ("float32",)))
        self.reference = bool(getattr(backend, "reference", False))
        self.tried_first = bool(getattr(backend, "tried_first", True))
        self.calibrates = bool(getattr(backend, "calibrates", False))

    def supports(self, device: Device, program: Program | None) -> Probe:
        """Says whether the engine runs a program on a device; no, with the reason, where the plugin fails."""
        if not self.tried_first:
            return asked(lambda: self._backend.supports(device, program), self.owner)
        question = "zoo.engine.jobs:supports", self.name, device.kind, None if program is None else plain(program)
        return _answered(in_child(*question, seconds=PROBE_SECONDS), self.owner)

    def open(self, program: Program, request: Request) -> GuardedSession:
        """Opens a program.

        Raises:
            BackendError: The engine refuses or fails, or returns something else than a session.
            BundleError: The program is damaged, or the engine has no translation of it.
            DeviceError: The device fails.
        """
        try:
            session: Any = self._backend.open(program, request)
            facts = checked_facts(session)
            parallel = bool(getattr(session, "parallel", False))
        except (BackendError, BundleError, DeviceError) as cause:
            if self.owner.distribution == CORE:
                raise
            raise signed(cause, self.name, self.owner) from cause
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            raise BackendError(
                "The engine {engine} cannot open {program} on {device}: {reason}.",
                report(self.owner),
                engine=self.name,
                program=program.path,
                device=request.device_name,
                reason=failure(self.owner, "open", cause),
            ) from cause
        if facts is None or not callable(getattr(session, "run", None)):
            raise BackendError(
                "The engine {engine} opened {program} as an object of type {type} without `run` or without "
                "zoo.plugin.Facts of texts in `facts`; {owner} does not keep the contract.",
                report(self.owner),
                engine=self.name,
                program=program.path,
                type=type(session).__name__,
                owner=self.owner,
            )
        return GuardedSession(session, facts, parallel, program, self.owner)

    def calibrate(self, program: Program, request: Request, pictures: CalibrationPictures) -> Calibration:
        """Finds what int8 needs to know of a program.

        Raises:
            BackendError: The engine refuses or fails.
            BundleError: The program is damaged, or the engine has no translation of it.
            SourceError: A picture cannot be read.
        """
        try:
            return self._backend.calibrate(program, request, pictures)
        except (BackendError, BundleError) as cause:
            raise signed(cause, self.name, self.owner) from cause
        except (KeyboardInterrupt, SourceError):
            raise
        except BaseException as cause:
            raise BackendError(
                "The engine {engine} cannot calibrate {program}: {reason}.",
                report(self.owner),
                engine=self.name,
                program=program.path,
                reason=failure(self.owner, "calibrate", cause),
            ) from cause


def guarded_devices(found: Discovery) -> Iterator[GuardedDevice]:
    """Yields every installed device."""
    for plugin in found.plugins:
        for device in plugin.devices:
            yield GuardedDevice(device, plugin)


def guarded_backends(found: Discovery) -> Iterator[GuardedBackend]:
    """Yields every installed engine."""
    for plugin in found.plugins:
        for backend in plugin.backends:
            yield GuardedBackend(backend, plugin)


def plain(program: Program) -> dict[str, Any]:
    """Returns a program as plain data."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(program).items()}


def _answered(outcome: Outcome, owner: Plugin) -> Probe:
    if outcome.reason is not None:
        return Probe(
            0,
            Message("the probe of {owner}, in a process of its own, {reason}", owner=owner, reason=outcome.reason),
        )
    return Probe(**outcome.answer)

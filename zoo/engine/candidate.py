"""An engine on a device, as it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from zoo import errors
from zoo.base.home import home
from zoo.contract.engine import Precision, Program, Request
from zoo.engine.engine import Opener
from zoo.engine.guard import GuardedBackend, GuardedDevice, plain
from zoo.engine.jobs import opened
from zoo.engine.streams.processes import ProcessSession
from zoo.engine.trial import Trial, in_child
from zoo.errors import BackendError, DeviceUnavailableError
from zoo.message import Message

_TRIAL_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine that says it runs a program.

    Attributes:
        backend: The engine.
        libraries: Its libraries with their versions.
        device: Where it runs.
        numbers: Numbers of the devices that are meant, at least one.
        devices: Names of all devices of that kind, which change with their drivers.
        precision: Precision to ask it for.
    """

    backend: GuardedBackend
    libraries: tuple[str, ...]
    device: GuardedDevice
    numbers: tuple[int, ...]
    devices: tuple[str, ...]
    precision: Precision = "float32"

    @property
    def name(self) -> str:
        """How messages name it, such as "openvino" or "openvino bf16"."""
        return self.backend.name if self.precision == "float32" else f"{self.backend.name} {self.precision}"

    @property
    def index(self) -> int:
        """Number of the first device."""
        return self.numbers[0]

    @property
    def device_name(self) -> str:
        """The device with its number."""
        # A name of its own is code of its plugin, which may end the process like any other.
        return f"{self.device.kind}:{self.index}" if self.device.tried_first else self.device.name(self.index)

    @property
    def versions(self) -> tuple[str, ...]:
        """Of everything that what it computes depends on."""
        return (str(self.backend.owner), *self.libraries, str(self.device.owner), *self.devices)

    def request(self, threads: int) -> Request:
        """Returns how a program is to be opened."""
        cache = home() / "engines" / self.backend.name
        return Request(self.device, self.index, threads, cache, self.precision)

    def opener(self, program: Program) -> Opener:
        """Returns a function that opens a session with so many threads.

        It raises `BackendError` or `DeviceError` where the engine or the device fails.

        Raises:
            BackendError: The engine refuses or fails in a child process, or ends it.
            DeviceError: The device does.
        """
        if self.device.tried_first:
            return lambda threads: self.apart(program, threads)
        if self.backend.tried_first:
            self._try_first(program)
        return lambda threads: self.backend.open(program, self.request(threads))

    def apart(self, program: Program, threads: int, number: int | None = None) -> ProcessSession:
        """Opens a program in a process of its own, and runs a batch there again if that process ends.

        A device may end the process that uses it, now or later, and reads its variables when a process starts.

        Args:
            program: The program.
            threads: Threads of a CPU engine.
            number: Number of the device, where it is not the first.

        Raises:
            BackendError: The engine refuses or fails.
            DeviceError: The device does.
        """
        index = self.index if number is None else number
        opener = partial(opened, self.backend.name, self.device.kind, index, self.precision, program)
        device = f"{self.device.kind}:{index}" if self.device.tried_first else ""
        return ProcessSession(opener, threads, device, again=True)

    def ended(self, program: Program, reason: str) -> BackendError | DeviceUnavailableError:
        """Returns the error where a program ended, or hung, a child process and is not opened in this one.

        Args:
            program: The program.
            reason: What became of the child, the end of a sentence.
        """
        what = Message(
            "a trial of {program} with the engine {engine}, in a process of its own, {reason}",
            program=program.path,
            engine=self.backend.name,
            reason=reason,
        )
        if self.device.tried_first:
            return DeviceUnavailableError(
                "The device {device} of {owner} cannot be used: {reason}.",
                "Use device='cpu'",
                device=self.device_name,
                owner=self.device.owner,
                reason=what,
            )
        return BackendError(
            "The engine {engine} of {owner} cannot be used: {reason}.",
            "Use backend='auto'",
            engine=self.backend.name,
            owner=self.backend.owner,
            reason=what,
        )

    def _try_first(self, program: Program) -> None:
        """Opens and runs a program in a child process, unless that went well before.

        Raises:
            BackendError: The engine refuses or fails, or ends the child.
            DeviceError: The device does.
        """
        trial = Trial(program.digest, self.backend.name, self.device_name, self.precision, self.versions)
        if trial.kept() is not None:
            return
        trial.announce()
        job = "zoo.engine.jobs:run", self.backend.name, self.device.kind, self.index, self.precision, plain(program)
        outcome = in_child(*job, seconds=_TRIAL_SECONDS)
        if outcome.answer is not None:
            kind, message, hint = outcome.answer
            raise getattr(errors, kind)(message, hint)
        if outcome.reason is not None:
            raise self.ended(program, outcome.reason)
        trial.keep("", "")

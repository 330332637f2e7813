"""An inference engine, as a plugin brings it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from zoo.contract.device import Device, Probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How an engine opens a program.

    Attributes:
        device: The device to run on.
        index: Number of the device of this kind.
        threads: Threads of a CPU engine.
    """

    device: Device
    index: int
    threads: int


class Session(Protocol):
    """An opened program. Safe to call from several threads: calls wait for each other."""

    @property
    def engine(self) -> str:
        """Name, version and setting of the engine really in use, for results and reports."""
        ...

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch (N, C, H, W) and returns the program's only output.

        Raises:
            InferenceError: The engine refused or failed.
        """
        ...

    def close(self) -> None:
        """Frees the engine's memory. Closing twice is harmless."""
        ...


@runtime_checkable
class StreamSession(Session, Protocol):
    """A session of an engine that runs several at the same time. Engines that cannot have none of this."""

    @property
    def has_streams(self) -> bool:
        """Whether sessions opened here run beside each other, each in a thread of its own."""
        ...

    def open_stream(self, threads: int) -> Session:
        """Opens the same program once more, in the setting in use.

        Args:
            threads: Threads of the new session.

        Raises:
            BackendError: The engine refuses.
        """
        ...


class Backend(Protocol):
    """An inference engine."""

    @property
    def name(self) -> str:
        """Name in `backend=`, such as "paddle"."""
        ...

    def probe(self, device: Device) -> Probe:
        """Says whether the engine is installed and runs on this kind of device; imports nothing heavy."""
        ...

    def open(self, program: Path, params: Path, options: SessionOptions) -> Session:
        """Opens an exported program and its parameters.

        Raises:
            BackendError: The engine is not installed or refuses the program.
        """
        ...

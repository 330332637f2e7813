"""An inference engine, as a plugin brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from zoo.contract.device import Device, Probe
from zoo.errors import BackendError
from zoo.message import Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What a program returns; see `zoo.bundle.bundle.Bundle.output`.
Output = Literal["labels", "logits", "scores", "unstated"]
#: Precision of an engine's arithmetic. Weights and pictures are float32 outside of it.
Precision = Literal["float32", "bf16", "int8"]


@dataclass(frozen=True, slots=True)
class Program:
    """A program on disk whose files were checked.

    Attributes:
        path: Its file.
        params: The file of its parameters; None where the program holds them itself.
        folder: The export folder, where other files may lie beside it.
        digest: SHA-256 over the digests of program and parameters.
        trusted: Whether the folder gives digests, and its files have them.
        output: "logits" (N, classes, h, w) at the output stride; "labels" (N, H, W); of foreign programs also "scores"
            or "unstated".
        output_stride: Pixels of input per pixel of logits, along each axis; 1 for other outputs.
        input_shape: Shape of its first input, -1 where any size goes; None where that is not known.
        classes: How many classes it tells apart: channels of logits and scores, and labels are below it. None where
            that is not known.
        golden: A file with an input and what the network itself made of it, `zoo.bundle.golden`; None where the folder
            has none.
        calibration: What an engine found on the user's pictures for int8, a file that `zoo.plugin.read_calibration`
            reads; None where there is none.
        threshold: Of a program with one channel: the value from which a pixel is of the second class.
    """

    path: Path
    params: Path | None
    folder: Path
    digest: str
    trusted: bool
    output: Output
    output_stride: int
    input_shape: tuple[int, ...] | None
    classes: int | None = None
    golden: Path | None = None
    calibration: Path | None = None
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that computes in 8 bits: the numbers that went into it in a calibration.

    Attributes:
        low: The smallest, for all channels or one for each.
        high: The largest.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an engine needs to know of a program to run it in int8. Layers that it does not name are exact.

    Attributes:
        layers: Those that compute in 8 bits, by the names of their weights.
        of: How many layers could.
        libraries: What found it, such as "nncf 3.4.0".
    """

    layers: Mapping[str, Layer]
    of: int
    libraries: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationPictures:
    """What a program is calibrated on.

    Attributes:
        inputs: Batches (N, C, H, W) float32. They are made as they are asked for, and anew every time.
        held: Of these the masks must stay the same.
        agreement: Returns the share of pixels, 0 to 1, to which an output gives the class that another gives them; the
            second is the exact one.
        least: Smallest share in each of `held`.
    """

    inputs: Iterable[NDArray[np.float32]]
    held: Sequence[NDArray[np.float32]]
    agreement: Callable[[NDArray[Any], NDArray[Any]], float]
    least: float


@dataclass(frozen=True, slots=True)
class Request:
    """How a program is to be opened.

    Attributes:
        device: The device to run on.
        index: Number of the device of this kind.
        threads: Threads of a CPU engine.
        cache: A folder of this engine's own for what it wants to find again; it may not exist yet.
        precision: Precision of the arithmetic.
    """

    device: Device
    index: int
    threads: int
    cache: Path
    precision: Precision = "float32"

    @property
    def device_name(self) -> str:
        """The device with its number, such as "gpu:0", for `Facts.device`."""
        return self.device.name(self.index)


@dataclass(frozen=True, slots=True)
class Facts:
    """What really runs a program.

    Attributes:
        engine: Name of the engine.
        version: Version of its library.
        setting: How it is set up, for people, such as "oneDNN, 2 threads"; may be empty.
        precision: Precision of the arithmetic, such as "float32".
        device: The device really used, such as "cpu" or "npu:1".
    """

    engine: str
    version: str
    setting: str
    precision: str
    device: str

    def __str__(self) -> str:
        """Returns them in one line for results, such as "paddle 3.2.2, oneDNN, 2 threads"."""
        precision = "" if self.precision == "float32" else self.precision
        parts = [part for part in (f"{self.engine} {self.version}", self.setting, precision) if part]
        return Message("{parts:, }", parts=parts)


class Session(Protocol):
    """An opened program. Safe to call from several threads: calls may wait for each other.

    Attributes:
        parallel: Whether sessions of this engine run at the same time in threads of one process. Where they do not,
            one is used.
    """

    parallel: bool = False

    @property
    def facts(self) -> Facts:
        """What really runs the program; it may change where the engine goes on in another way."""
        ...

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch.

        Args:
            batch: (N, C, H, W) float32, N at least 1. Not to be changed or kept.

        Returns:
            The program's first output, an array of its own.

        Raises:
            Exception: Whatever the engine raises; it becomes an `InferenceError`.
        """
        ...

    def close(self) -> None:
        """Frees the engine's memory. Closing twice is harmless."""
        ...


class Backend(Protocol):
    """An inference engine. A plugin's class may inherit from this one, or have the same members.

    Attributes:
        name: Name in `backend=`, such as "paddle".
        api: Version of the contract it was written for, `zoo.plugin.API` of that time.
        precisions: Those it can be asked for. float32 means exactly that: no faster arithmetic in its place.
        reference: Whether other engines may be compared with it where nothing better is known: it runs programs in the
            very library that wrote them.
        tried_first: Whether zoo opens a program in a child process before it does so in its own, once for each program
            and version. False for an engine that sees to this itself.
        calibrates: Whether its int8 needs what `calibrate` finds.
    """

    name: str
    api: int
    precisions: tuple[Precision, ...] = ("float32",)
    reference: bool = False
    tried_first: bool = True
    calibrates: bool = False

    def supports(self, device: Device, program: Program | None) -> Probe:
        """Says whether the engine is installed and runs a program on a kind of device; imports nothing heavy.

        Args:
            device: The device.
            program: The program; None asks about the device alone.
        """
        ...

    def open(self, program: Program, request: Request) -> Session:
        """Opens a program. Called again for each session, with its share of the threads.

        Raises:
            Exception: Whatever the engine raises; it becomes a `BackendError`.
        """
        ...

    def calibrate(self, program: Program, request: Request, pictures: CalibrationPictures) -> Calibration:
        """Finds what int8 needs to know of a program; only asked of an engine that `calibrates`.

        Raises:
            Exception: Whatever the engine raises; it becomes a `BackendError`.
        """
        raise BackendError("The engine {engine} calibrates nothing.", "Use precision='float32'", engine=self.name)

"""The face a plugin author sees. A plugin imports this module and nothing else of zoo.

A family plugin is a module that is named by an entry point of the group `zoo.models` and implements one hook:

    from zoo.plugin import Family, hookimpl

    @hookimpl
    def zoo_families():
        return [Family("fcn", "FCN", cards=(...,), network="zoo_plugin_fcn.network:build")]

Heavy code (the network, the recipe) is named by strings and imported at the moment of use. Networks may also import
paddle and `zoo.nn`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from zoo.hookspecs import hookimpl
from zoo.labels import ADE20K, CAMVID, CITYSCAPES, VOC, LabelSet, distinct_palette
from zoo.spec import (
    API,
    Artifact,
    Custom,
    Embedded,
    Family,
    Latency,
    Metric,
    ModelCard,
    Normalize,
    Pad,
    Resize,
    ResizeLong,
    ResizeShort,
    Window,
    pinned,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.recipe import (
        SGD,
        AdamW,
        Augmentation,
        CrossEntropy,
        OhemCrossEntropy,
        PolynomialDecay,
        Recipe,
    )


@dataclass(frozen=True, slots=True)
class Probe:
    """Answer of a device or engine to "are you there?".

    Attributes:
        count: Number of usable devices; for an engine 1 or 0.
        reason: Why there is none; empty when there is one.
    """

    count: int
    reason: str = ""


class Device(ABC):
    """A kind of device, such as gpu or npu."""

    #: Name in device strings such as "gpu:0".
    kind: ClassVar[str]
    #: Environment variables it needs, set once before paddle is imported.
    environ: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def probe(self) -> Probe:
        """Counts the devices without starting any; never raises."""

    @abstractmethod
    def configure(self, config: Any, index: int) -> None:
        """Points a `paddle.inference.Config` at device number `index`. Called only after `probe`."""


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


__all__ = [
    "ADE20K",
    "API",
    "CAMVID",
    "CITYSCAPES",
    "SGD",
    "VOC",
    "AdamW",
    "Artifact",
    "Augmentation",
    "Backend",
    "CrossEntropy",
    "Custom",
    "Device",
    "Embedded",
    "Family",
    "LabelSet",
    "Latency",
    "Metric",
    "ModelCard",
    "Normalize",
    "OhemCrossEntropy",
    "Pad",
    "PolynomialDecay",
    "Probe",
    "Recipe",
    "Resize",
    "ResizeLong",
    "ResizeShort",
    "Session",
    "SessionOptions",
    "StreamSession",
    "Window",
    "distinct_palette",
    "hookimpl",
    "pinned",
]


def __getattr__(name: str) -> object:
    # Recipes are read when something is trained; listing models should not pay for their classes.
    if name in __all__:
        import zoo.recipe

        return getattr(zoo.recipe, name)
    raise AttributeError(f"module 'zoo.plugin' has no attribute {name!r}")

"""A kind of device, as a plugin brings it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """Answer of a device or engine to "are you there?".

    Attributes:
        count: Number of usable devices; for an engine 1 or 0.
        reason: Why there is none; empty when there is one.
        names: What is there: a name for each device, such as "NVIDIA H100"; for an engine its library with its version,
            such as "onnxruntime 1.31.1". May be empty. A trial is repeated when they change.
        install: The command that helps where there is none, such as "pip install onnxruntime"; empty where none does.
        numbers: The numbers of the devices where they are not 0 to `count` - 1, as when only some were selected.
    """

    count: int
    reason: str = ""
    names: tuple[str, ...] = ()
    install: str = ""
    numbers: tuple[int, ...] = ()

    @property
    def usable(self) -> tuple[int, ...]:
        """The numbers that may be asked for."""
        return self.numbers or tuple(range(self.count))


class Device(ABC):
    """A kind of device, such as gpu or npu.

    Attributes:
        kind: Name in device strings such as "gpu:0".
        api: Version of the contract it was written for, `zoo.plugin.API` of that time.
        environ: Environment variables it needs, set before paddle is imported. Where paddle is imported already, or
            the user has set a variable, another value is an error.
        title: What people call it, such as "NVIDIA GPU"; may be empty.
        visibility: The variable that hides devices from a process and renumbers the others, such as
            "CUDA_VISIBLE_DEVICES"; empty where there is none.
        known: Names of models that are known to run on it. Others are allowed, and results say that they are untested.
        ray_resource: What Ray calls it, such as "GPU" or "NPU"; empty where it has no name.
        training_environ: Environment variables that training needs in addition, in the processes that train.
        install: The command that installs the build of paddle it needs, such as "pip install paddlepaddle-gpu".
        tried_first: Whether zoo asks and uses it in a child process before it does so in its own. False for a device
            that cannot end the process.
    """

    kind: str
    api: int
    title: str = ""
    visibility: str = ""
    known: frozenset[str] = frozenset()
    ray_resource: str = ""
    environ: Mapping[str, str] = {}
    training_environ: Mapping[str, str] = {}
    install: str = ""
    tried_first: bool = True

    def missing(self) -> str:
        """Returns what is not installed that it needs, as far as that is seen without importing a library.

        Returns:
            A reason such as "paddlepaddle 3.2.2 is built without CUDA"; empty where nothing is known to be missing.
        """
        return ""

    @abstractmethod
    def probe(self) -> Probe:
        """Counts the devices without starting any. With `tried_first` it is called in a child process."""

    @abstractmethod
    def configure(self, config: Any, index: int) -> None:
        """Points a `paddle.inference.Config` that has no setting of another device at device number `index`."""

    def place(self, engine: str, index: int) -> Mapping[str, Any]:
        """Returns how an engine other than paddle is pointed at device number `index`.

        Args:
            engine: Name of the engine, such as "onnxruntime".
            index: Number of the device.

        Returns:
            What that engine's plugin documents, such as {"providers": [...]}; empty for nothing to say.
        """
        return {}

    def training(self, index: int) -> str:
        """Returns what `paddle.set_device` calls device number `index`, such as "gpu:0"."""
        return f"{self.kind}:{index}"

    def name(self, index: int) -> str:
        """Returns the name of device number `index` in results, such as "gpu:0"."""
        return f"{self.kind}:{index}"

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
    """

    count: int
    reason: str = ""
    names: tuple[str, ...] = ()
    install: str = ""


class Device(ABC):
    """A kind of device, such as gpu or npu.

    Attributes:
        kind: Name in device strings such as "gpu:0".
        api: Version of the contract it was written for, `zoo.plugin.API` of that time.
        environ: Environment variables it needs, set before paddle is imported. Where paddle is imported already, or
            the user has set a variable, another value is an error.
        install: The command that installs the build of paddle it needs, such as "pip install paddlepaddle-gpu".
        tried_first: Whether zoo asks and uses it in a child process before it does so in its own. False for a device
            that cannot end the process.
    """

    kind: str
    api: int
    environ: Mapping[str, str] = {}
    install: str = ""
    tried_first: bool = True

    @abstractmethod
    def probe(self) -> Probe:
        """Counts the devices without starting any."""

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

    def name(self, index: int) -> str:
        """Returns the name of device number `index` in results, such as "gpu:0"."""
        return f"{self.kind}:{index}"

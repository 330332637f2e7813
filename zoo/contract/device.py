"""A kind of device, as a plugin brings it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


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

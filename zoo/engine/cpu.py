"""The processor, as the plugin `cpu` of zoo-core."""

from __future__ import annotations

from typing import Any

from zoo.contract.device import Device, Probe
from zoo.contract.hooks import hookimpl
from zoo.engine.device import available_cores
from zoo.message import Message


class CPU(Device):
    """The processor; always there."""

    kind = "cpu"
    api = 1
    install = 'pip install "paddlepaddle>=3.2.2,<3.3" setuptools'
    tried_first = False

    def probe(self) -> Probe:
        """Counts one device, whatever the number of cores."""
        cores = available_cores()
        return Probe(1, names=(Message("{count} core" if cores == 1 else "{count} cores", count=cores),))

    def configure(self, config: Any, index: int) -> None:
        """Keeps a `paddle.inference.Config` on the processor."""
        config.disable_gpu()

    def training(self, index: int) -> str:
        """Returns "cpu": there is one."""
        return self.kind

    def name(self, index: int) -> str:
        """Returns "cpu": there is one."""
        return self.kind


@hookimpl
def zoo_devices() -> list[Device]:
    """Returns the device of this plugin."""
    return [CPU()]

"""The device `mlu`: Cambricon MLUs, by paddlepaddle's plugin for them."""

from __future__ import annotations

from typing import Any

from zoo.plugin import Device, Probe, custom_missing, custom_probe, hookimpl

_INSTALL = "pip install paddle-custom-mlu  (from the index of paddlepaddle's page for it, beside paddlepaddle)"
# PaddleX 3.7.2 sets these before it trains.
_TRAINING = {
    "FLAGS_use_stride_kernel": "0",
    "FLAGS_use_stream_safe_cuda_allocator": "0",
}


class Mlu(Device):
    """Cambricon MLUs."""

    kind = "mlu"
    api = 1
    title = "Cambricon MLU"
    visibility = "MLU_VISIBLE_DEVICES"
    ray_resource = "MLU"
    # The one segmentation network of PaddleX 3.7.2's MLU_WHITELIST (paddlex/utils/custom_device_list.py).
    known = frozenset({"PP-LiteSeg-T"})
    install = _INSTALL
    training_environ = _TRAINING

    def missing(self) -> str:
        """Tells a paddlepaddle without any plugin beside it."""
        return custom_missing()

    def probe(self) -> Probe:
        """Counts them as paddle does."""
        return custom_probe(self.kind, self.install)

    def configure(self, config: Any, index: int) -> None:
        """Enables it."""
        config.enable_custom_device(self.kind, index)


@hookimpl
def zoo_devices() -> list[Device]:
    """Returns the device of this plugin."""
    return [Mlu()]

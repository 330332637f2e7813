"""The device `xpu`: Kunlun XPUs, by a build of paddlepaddle for them."""

from __future__ import annotations

from typing import Any

from zoo.plugin import Device, Probe, built_missing, built_probe, hookimpl

_INSTALL = "pip install paddlepaddle-xpu  (from the index of paddlepaddle's page for Kunlun)"
# PaddleX 3.7.2 sets these before it trains.
_TRAINING = {
    "BKCL_FORCE_SYNC": "1",
    "BKCL_TIMEOUT": "1800",
    "FLAGS_use_stride_kernel": "0",
    "XPU_BLACK_LIST": "pad3d",
    "XPU_PADDLE_CONV_FLOAT": "1",
}


class Xpu(Device):
    """Kunlun XPUs."""

    kind = "xpu"
    api = 1
    title = "Kunlun XPU"
    visibility = "XPU_VISIBLE_DEVICES"
    ray_resource = "XPU"
    # The one segmentation network of PaddleX 3.7.2's XPU_WHITELIST (paddlex/utils/custom_device_list.py).
    known = frozenset({"PP-LiteSeg-T"})
    install = _INSTALL
    training_environ = _TRAINING

    def missing(self) -> str:
        """Tells a build of paddlepaddle without XPU."""
        return built_missing("XPU")

    def probe(self) -> Probe:
        """Counts them as paddle does."""
        return built_probe("XPU", self.visibility, self.install)

    def configure(self, config: Any, index: int) -> None:
        """Enables it, without two passes that PaddleX 3.7.2 leaves out there."""
        config.enable_xpu()
        config.set_xpu_device_id(index)
        for name in ("conv2d_bn_xpu_fuse_pass", "transfer_layout_pass"):
            config.delete_pass(name)


@hookimpl
def zoo_devices() -> list[Device]:
    """Returns the device of this plugin."""
    return [Xpu()]

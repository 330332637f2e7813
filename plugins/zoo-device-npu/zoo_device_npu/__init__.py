"""The device `npu`: Ascend NPUs, by paddlepaddle's plugin for them."""

from __future__ import annotations

from typing import Any

from zoo.plugin import Device, Probe, custom_missing, custom_probe, hookimpl

_INSTALL = "pip install paddle-custom-npu  (from the index of paddlepaddle's page for it, beside paddlepaddle)"
# PaddleX 3.7.2 sets these before it trains.
_TRAINING = {
    "FLAGS_npu_jit_compile": "0",
    "FLAGS_use_stride_kernel": "0",
    "FLAGS_allocator_strategy": "auto_growth",
    "CUSTOM_DEVICE_BLACK_LIST": "pad3d,pad3d_grad,set_value,set_value_with_tensor",
    "FLAGS_npu_scale_aclnn": "True",
    "FLAGS_npu_split_aclnn": "True",
}
# Six of PaddleX's list for Ascend. Its newer list has more, and 3.7.2 refuses PP-LiteSeg-B alone
# (paddlex/utils/custom_device_list.py).
_KNOWN = frozenset(
    {
        "Deeplabv3-R101",
        "Deeplabv3-R50",
        "Deeplabv3_Plus-R101",
        "Deeplabv3_Plus-R50",
        "OCRNet_HRNet-W48",
        "PP-LiteSeg-T",
    }
)


class Npu(Device):
    """Ascend NPUs."""

    kind = "npu"
    api = 1
    title = "Ascend NPU"
    visibility = "ASCEND_RT_VISIBLE_DEVICES"
    ray_resource = "NPU"
    known = _KNOWN
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
    return [Npu()]

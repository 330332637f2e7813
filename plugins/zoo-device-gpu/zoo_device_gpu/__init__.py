"""The device `gpu`: NVIDIA GPUs, by a build of paddlepaddle for CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.plugin import Device, DeviceUnavailableError, Probe, built_missing, built_probe, hookimpl

# Megabytes of the first piece of the device's memory; it grows.
_MEMORY = 100
_INSTALL = "pip install paddlepaddle-gpu  (from the index of paddlepaddle's page for your CUDA)"
# The models for which PaddleX's tutorial publishes a time on an NVIDIA T4. PaddleX 3.7.2 refuses none on a GPU.
_KNOWN = frozenset(
    {
        "Deeplabv3-R101",
        "Deeplabv3-R50",
        "Deeplabv3_Plus-R101",
        "Deeplabv3_Plus-R50",
        "OCRNet_HRNet-W18",
        "OCRNet_HRNet-W48",
        "PP-LiteSeg-B",
        "PP-LiteSeg-T",
        "SeaFormer_base",
        "SeaFormer_large",
        "SeaFormer_small",
        "SeaFormer_tiny",
        *(f"SegFormer-B{size}" for size in range(6)),
    }
)


class Gpu(Device):
    """NVIDIA GPUs."""

    kind = "gpu"
    api = 1
    title = "NVIDIA GPU"
    visibility = "CUDA_VISIBLE_DEVICES"
    ray_resource = "GPU"
    known = _KNOWN
    install = _INSTALL

    def missing(self) -> str:
        """Tells a build of paddlepaddle without CUDA."""
        return built_missing("CUDA")

    def probe(self) -> Probe:
        """Counts them as paddle does, with name, memory and driver."""
        return built_probe("CUDA", self.visibility, self.install)

    def configure(self, config: Any, index: int) -> None:
        """Enables CUDA.

        Raises:
            DeviceUnavailableError: paddle went on without it, as a build for the processor does.
        """
        config.enable_use_gpu(_MEMORY, index)
        if not config.use_gpu():
            raise DeviceUnavailableError("paddle did not take the GPU.", "Run: {install}", install=_INSTALL)

    def place(self, engine: str, index: int) -> Mapping[str, Any]:
        """Names the providers of onnxruntime."""
        cuda = ("CUDAExecutionProvider", {"device_id": index})
        return {"providers": [cuda]} if engine == "onnxruntime" else {}


@hookimpl
def zoo_devices() -> list[Device]:
    """Returns the device of this plugin."""
    return [Gpu()]

"""A device that is not there: two of them, and the processor does their work."""

from zoo.plugin import Device, Probe, hookimpl


class Pretend(Device):
    """Shows every part of a device; a real one asks its driver and enables itself."""

    kind = "pretend"
    api = 1
    environ = {"PRETEND_LOG_LEVEL": "2"}
    install = "pip install paddlepaddle"

    def probe(self):
        return Probe(2, names=("Pretend A", "Pretend B"))

    def configure(self, config, index):
        # A real one: config.enable_use_gpu(100, index), or config.enable_custom_device("npu", index).
        config.disable_gpu()

    def place(self, engine, index):
        # A real one: {"providers": [("CUDAExecutionProvider", {"device_id": index})]}.
        return {"providers": ["CPUExecutionProvider"]} if engine == "onnxruntime" else {}


@hookimpl
def zoo_devices():
    return [Pretend()]

"""A kind of device that zoo does not know: what a plugin of paddle brings under the name `pretend`."""

from zoo.plugin import Device, custom_missing, custom_probe, hookimpl


class Pretend(Device):
    """Shows every part of a device."""

    kind = "pretend"
    api = 1
    title = "Pretend device"
    visibility = "PRETEND_VISIBLE_DEVICES"
    environ = {"PRETEND_LOG_LEVEL": "2"}
    training_environ = {"FLAGS_use_stride_kernel": "0"}
    # Models that were seen to run on it; results of others say that they are untested.
    known = frozenset()
    ray_resource = "PRETEND"
    install = "pip install ./paddle_custom_pretend.whl"

    def missing(self):
        # What the files of the machine tell, without importing paddle.
        return custom_missing()

    def probe(self):
        # zoo calls it in a process of its own, because a broken plugin of paddle ends the process.
        return custom_probe(self.kind, self.install)

    def configure(self, config, index):
        # A kind that paddle is built for: config.enable_use_gpu(100, index).
        config.enable_custom_device(self.kind, index)

    def place(self, engine, index):
        # An onnxruntime without this provider refuses: zoo never goes on on the processor.
        provider = ("PretendExecutionProvider", {"device_id": index})
        return {"providers": [provider]} if engine == "onnxruntime" else {}


@hookimpl
def zoo_devices():
    return [Pretend()]

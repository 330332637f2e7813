from zoo.testing import DeviceContract


class TestGpu(DeviceContract):
    kind = "gpu"

from zoo.testing import DeviceContract


class TestNpu(DeviceContract):
    kind = "npu"

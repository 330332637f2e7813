from zoo.testing import DeviceContract


class TestXpu(DeviceContract):
    kind = "xpu"

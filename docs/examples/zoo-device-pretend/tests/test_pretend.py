from zoo.testing import DeviceContract


class TestPretend(DeviceContract):
    kind = "pretend"

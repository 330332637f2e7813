from zoo.testing import DeviceContract


class TestMlu(DeviceContract):
    kind = "mlu"

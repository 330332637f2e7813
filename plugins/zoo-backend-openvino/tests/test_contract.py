from zoo.testing import BackendContract


class TestOpenVino(BackendContract):
    name = "openvino"

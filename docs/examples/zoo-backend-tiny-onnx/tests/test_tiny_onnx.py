from zoo.testing import BackendContract


class TestTinyOnnx(BackendContract):
    name = "tiny-onnx"

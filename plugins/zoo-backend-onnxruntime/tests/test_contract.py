from zoo.testing import BackendContract


class TestOnnxRuntime(BackendContract):
    name = "onnxruntime"

import os
from pathlib import Path

from zoo.testing import BackendContract


class TestOnnxRuntime(BackendContract):
    name = "onnxruntime"
    folder = Path(os.environ["ONNX_FOLDER"])

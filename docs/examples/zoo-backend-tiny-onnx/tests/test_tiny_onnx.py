import os
from pathlib import Path

from zoo.testing import BackendContract


class TestTinyOnnx(BackendContract):
    name = "tiny-onnx"
    folder = Path(os.environ["ONNX_FOLDER"])

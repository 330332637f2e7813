"""Networks to export folders. Importing this package imports paddle."""

from zoo.export.bundle import export_bundle
from zoo.export.onnx import export_onnx
from zoo.export.verify import Agreement

__all__ = ["Agreement", "export_bundle", "export_onnx"]

"""The engine `openvino`: programs of paddle and ONNX files on processors, without paddle."""

from zoo_backend_openvino.backend import OpenVino, zoo_backends

__all__ = ["OpenVino", "zoo_backends"]

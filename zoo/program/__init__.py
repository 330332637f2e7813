"""Programs of paddle without paddle: read, translated to ONNX operators, written as ONNX files.

`zoo.program.lower` is apart: a program that was compiled before needs no translation.
"""

from zoo.program.graph import Graph
from zoo.program.one_channel import OneChannel, one_channel
from zoo.program.onnx_file import onnx_bytes, write_onnx
from zoo.program.onnx_graph import OnnxGraph
from zoo.program.parameters import read_records
from zoo.program.reader import read_program

__all__ = [
    "Graph",
    "OneChannel",
    "OnnxGraph",
    "one_channel",
    "onnx_bytes",
    "read_program",
    "read_records",
    "write_onnx",
]

"""Programs of paddle without paddle: read, translated to ONNX operators, written as ONNX files."""

from zoo.program.graph import Graph
from zoo.program.parameters import read_records
from zoo.program.reader import read_program

__all__ = ["Graph", "read_program", "read_records"]

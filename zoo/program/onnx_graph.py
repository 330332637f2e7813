"""A graph of ONNX operators (opset 17) as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.program.graph import TensorType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The newest that every converter and engine reads.
OPSET = 17
#: Element types by their number in onnx.proto (TensorProto.DataType).
ONNX_TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
}
OnnxAttribute = int | float | str | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operator.

    Attributes:
        operator: Its name in the ONNX standard.
        inputs: Names of values; empty where an optional one is not given.
        outputs: Likewise.
        attributes: By name.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, OnnxAttribute]


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A graph.

    Attributes:
        nodes: In the order in which they run.
        constants: Arrays by name, among them the parameters by paddle's names.
        inputs: Types by name, as the program calls them.
        outputs: Likewise, in the order in which the program returns them.
    """

    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, NDArray[np.generic]]
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]

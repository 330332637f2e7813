"""The ONNX graph while it grows, and the view that the rule of one operation has of it.

Whole numbers are int64 inside the graph, whatever paddle has; what the program returns is cast back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.program.graph import Graph, TensorType
from zoo.program.onnx_graph import OnnxAttribute, OnnxGraph, OnnxNode

#: What a value is in the growing graph: a name, or one for each tensor of a list.
Value = str | tuple[str, ...]
#: What may be handed to an operator: a name, an array, or whole numbers, which become an int64 array.
Operand = str | NDArray[np.generic] | np.generic | Sequence[int]
#: A graph with more nodes was not made by anybody.
MOST_NODES = 100_000
#: Constants up to this number of elements are written out; larger ones are spread when the graph runs.
MOST_WRITTEN = 4096
WHOLE = ("uint8", "int8", "int16", "int32", "int64")


def inside(dtype: str) -> str:
    """Returns the type that a tensor of paddle's has inside the graph."""
    return "int64" if dtype in WHOLE else dtype


class Builder:
    """Takes nodes and constants.

    Args:
        graph: The program that is translated.

    Attributes:
        graph: As given.
        makers: Operations by the values they make.
        values: What has been translated, by the numbers of the program's values.
        first: Names of the same tensors (N, C, H, W) for values that the program has as (N, H, W, C).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers = {output: operation for operation in graph.operations for output in operation.outputs}
        self.values: dict[int, Value] = {}
        self.first: dict[int, Value] = {}
        self._nodes: list[OnnxNode] = []
        self._constants: dict[str, NDArray[np.generic]] = dict(graph.arrays)
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.inputs: dict[str, TensorType] = {}
        self.outputs: dict[str, TensorType] = {}
        self._taken = {*graph.arrays, *graph.inputs}
        self._places: dict[str, int] = {}
        self._count = 0
        self._doubtful = _doubtful(graph)
        for number, name in graph.parameters.items():
            self.values[number] = name

    def type(self, number: int) -> TensorType | None:
        """Returns the type of a value; no side of it is known where paddle's own word for it is not to be trusted."""
        kind = self.graph.types.get(number)
        if kind is not None and number in self._doubtful:
            return TensorType(kind.dtype, (-1,) * len(kind.shape))
        return kind

    def emit(self, operator: str, inputs: Sequence[Operand], outputs: int, attributes: dict[str, Any]) -> Value:
        """Adds a node and returns the name, or names, of what it makes."""
        names = tuple(item if isinstance(item, str) else self.constant(item) for item in inputs)
        made = tuple(self.new_name(operator) for _ in range(outputs))
        self._nodes.append(OnnxNode(operator, names, made, {key: _plain(value) for key, value in attributes.items()}))
        return made[0] if outputs == 1 else made

    def input(self, name: str, kind: TensorType, place: int) -> None:
        """Takes note of an input of the graph and its place among them."""
        self.inputs[name] = kind
        self._places[name] = place

    def output(self, name: str, source: str, kind: TensorType, place: int) -> None:
        """Makes a value an output of the graph under a name of its own, at its place among them."""
        self._nodes.append(OnnxNode("Identity", (source,), (name,), {}))
        self.outputs[name] = kind
        self._places[name] = place

    def constant(self, value: Operand) -> str:
        """Returns the name of a constant; equal small ones are one."""
        array = np.asarray(value if isinstance(value, (np.ndarray, np.generic)) else np.array(value, np.int64))
        if str(array.dtype) in WHOLE:
            array = array.astype(np.int64)
        key = (str(array.dtype), array.shape, array.tobytes()) if array.size <= 64 else None
        if key in self._shared:
            return self._shared[key]
        name = self.new_name("constant")
        self._constants[name] = array
        if key is not None:
            self._shared[key] = name
        return name

    def known(self, name: Value) -> NDArray[np.generic] | None:
        """Returns a constant by its name; None for what is known only when the program runs."""
        return self._constants.get(name) if isinstance(name, str) else None

    def new_name(self, stem: str) -> str:
        """Returns a name that nothing else has."""
        while True:
            self._count += 1
            name = f"{stem}.{self._count}"
            if name not in self._taken:
                return name

    @property
    def size(self) -> int:
        """Number of names given so far."""
        return self._count

    def build(self) -> OnnxGraph:
        """Returns the graph, without what no output needs."""
        used, kept = set(self.outputs), list[OnnxNode]()
        for node in reversed(self._nodes):
            if not used.isdisjoint(node.outputs):
                kept.append(node)
                used.update(node.inputs)
        constants = {name: array for name, array in self._constants.items() if name in used}
        inputs, outputs = (
            {name: kinds[name] for name in sorted(kinds, key=self._places.__getitem__)}
            for kinds in (self.inputs, self.outputs)
        )
        return OnnxGraph(tuple(reversed(kept)), constants, inputs, outputs)


def _doubtful(graph: Graph) -> set[int]:
    """Returns the values whose sides paddle got wrong: it calculates on with -1 as the side of a transposed one."""
    found: set[int] = set()
    for operation in graph.operations:
        kinds = [graph.types[value] for value in operation.inputs[:1] if value in graph.types]
        transposed = "conv" in operation.name and "transpose" in operation.name
        unknown = transposed and any(min(kind.shape[1:], default=0) < 0 for kind in kinds)
        if unknown or not found.isdisjoint(operation.inputs):
            found.update(operation.outputs)
    return found


def _plain(value: Any) -> OnnxAttribute:
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return int(value) if isinstance(value, bool) else value

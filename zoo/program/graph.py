"""A program as paddle wrote it, as plain data: operations in order, and what is known of every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Input of an operation that is not given.
NOTHING = 0
#: Element types by their number in paddle's framework.proto (VarType.Type), and bytes an element.
ELEMENTS = {
    0: ("bool", 1),
    1: ("int16", 2),
    2: ("int32", 4),
    3: ("int64", 8),
    4: ("float16", 2),
    5: ("float32", 4),
    6: ("float64", 8),
    19: ("size_t", 8),
    20: ("uint8", 1),
    21: ("int8", 1),
    22: ("bfloat16", 2),
    23: ("complex64", 8),
    24: ("complex128", 16),
}


@dataclass(frozen=True, slots=True)
class TensorType:
    """Of one tensor.

    Attributes:
        dtype: Name as numpy has it, such as "float32"; what numpy lacks by paddle's name.
        shape: Sides; -1 is one that is known only when the program runs.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: Its name in paddle, without the dialect: "conv2d".
        inputs: Numbers of values in paddle's order; `NOTHING` where an optional one is not given.
        outputs: Likewise.
        attributes: Numbers, texts and tuples of them by name.
        place: Where in the network it was made, such as "/PPLiteSeg/Conv2D/"; empty where the file does not say.
        slots: Older programs give inputs by the names of their slots, such as "X", and have nothing in `inputs`.
        results: Likewise for outputs.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any]
    place: str = ""
    slots: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    results: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])


@dataclass(frozen=True, slots=True)
class Graph:
    """A program.

    Attributes:
        path: Its file.
        operations: In the order in which they run.
        types: Of every tensor by the number of its value, which is 1 or more; lists of tensors have none.
        parameters: Names by the numbers of their values.
        arrays: The parameters by name, mapped from their file; empty where no file was given.
    """

    path: Path
    operations: tuple[Operation, ...]
    types: Mapping[int, TensorType]
    parameters: Mapping[int, str]
    arrays: Mapping[str, NDArray[np.generic]]

    @property
    def inputs(self) -> dict[str, TensorType]:
        """What the program takes, by name."""
        # PIR calls it data, older programs feed.
        made = [(op, op.outputs or op.results.get("Out", ())) for op in self.operations if op.name in ("data", "feed")]
        return {
            str(op.attributes.get("name")): self.types[values[0]]
            for op, values in sorted(made, key=lambda pair: column(pair[0]))
            if values and values[0] in self.types
        }


def column(operation: Operation) -> int:
    """Returns the place of an input or output among its like, where the program says it."""
    place = operation.attributes.get("col")
    return place if type(place) is int else 0

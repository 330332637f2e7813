"""One operation as its rule sees it: what the program says of it, its inputs, and what the rule makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UnsupportedProgramError
from zoo.message import Message
from zoo.program.faults import refused_operation
from zoo.program.graph import NOTHING, Operation, TensorType
from zoo.program.lower.builder import MOST_NODES, MOST_WRITTEN, Builder, Operand, Value, inside
from zoo.program.onnx_graph import ONNX_TYPES


class Call:
    """One operation with its inputs, as its rule sees it.

    Args:
        builder: The growing graph.
        operation: The operation.
    """

    def __init__(self, builder: Builder, operation: Operation) -> None:
        self.builder, self.operation = builder, operation

    # What the program says of the operation

    def attribute(self, name: str) -> Any:
        """Returns an attribute that the operation must have."""
        if name not in self.operation.attributes:
            raise self.refuse(Message("it has no attribute {name}", name=name))
        return self.operation.attributes[name]

    def flag(self, name: str) -> bool:
        """Returns an attribute that is true or false."""
        value = self.attribute(name)
        if not isinstance(value, bool):
            raise self.refuse(Message("{name} is {value!r}", name=name, value=value))
        return value

    def number(self, name: str) -> float:
        """Returns an attribute that is one number."""
        value = self.attribute(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(Message("{name} is {value!r}", name=name, value=value))
        return value

    def whole(self, name: str) -> int:
        """Returns an attribute that is one whole number."""
        value = self.number(name)
        if not isinstance(value, int):
            raise self.refuse(Message("{name} is {value!r}", name=name, value=value))
        return value

    def wholes(self, name: str) -> list[int]:
        """Returns an attribute that is a list of whole numbers."""
        value = self.attribute(name)
        if not isinstance(value, tuple) or not all(type(item) is int for item in value):
            raise self.refuse(Message("{name} is {value!r}", name=name, value=value))
        return list(value)

    def only(self, name: str, *allowed: object) -> Any:
        """Returns an attribute after refusing what the rule is not right for; the first one stands for none."""
        value = self.operation.attributes.get(name, allowed[0])
        if value not in allowed:
            raise self.refuse(Message("{name} is {value!r}", name=name, value=value))
        return value

    def refuse(self, reason: str) -> UnsupportedProgramError:
        """Returns the error that names this operation."""
        return refused_operation(self.builder.graph.path, self.operation, reason)

    # Its inputs and outputs

    def given(self, index: int) -> bool:
        """Whether an optional input is there."""
        return index < len(self.operation.inputs) and self.operation.inputs[index] != NOTHING

    def source(self, index: int) -> int:
        """Returns the number of the value of an input."""
        if not self.given(index):
            raise self.refuse(Message("input {index} is not given", index=index))
        return self.operation.inputs[index]

    def __getitem__(self, index: int) -> str:
        """Returns the name of the tensor that is an input."""
        value = self._value(index)
        if not isinstance(value, str):
            raise self.refuse(Message("input {index} is a list", index=index))
        return value

    def floats(self, index: int) -> str:
        """Returns the name of an input that must be floating-point numbers."""
        if not self.type(index).dtype.startswith("float"):
            raise self.refuse(Message("its inputs are {types}", types=self.type(index).dtype))
        return self[index]

    def converted(self, index: int, dtype: str) -> str:
        """Returns the name of an input brought to one of paddle's types as paddle does."""
        name, given, wanted = self[index], inside(self.type(index).dtype), inside(dtype)
        if given == wanted and (dtype in ("int64", "int32") or wanted == dtype):
            return name
        array = self.builder.known(name)
        if array is not None and array.size <= MOST_WRITTEN and np.isfinite(array).all() and wanted == dtype:
            return self.builder.constant(self.array(array, dtype))
        made = self.cast(name, dtype)
        return made if wanted == dtype else self.cast(made, wanted)

    def items(self, index: int) -> tuple[str, ...]:
        """Returns the names of an input that is a list of tensors."""
        value = self._value(index)
        if isinstance(value, str) or not value:
            raise self.refuse(Message("input {index} is no list", index=index))
        return value

    def _value(self, index: int) -> Value:
        number, builder = self.source(index), self.builder
        if number not in builder.values and number in builder.first:
            noted = builder.first[number]
            names = (noted,) if isinstance(noted, str) else noted
            made = tuple(self.emit("Transpose", name, perm=[0, 2, 3, 1]) for name in names)
            builder.values[number] = made[0] if isinstance(noted, str) else made
        if number not in builder.values:
            raise self.refuse(Message("input {index} is made by no operation", index=index))
        return builder.values[number]

    def type(self, index: int) -> TensorType:
        """Returns the type of an input."""
        return self._type(self.source(index))

    @property
    def out(self) -> TensorType:
        """Type of the first output."""
        return self._type(self.operation.outputs[0] if self.operation.outputs else NOTHING)

    def _type(self, number: int) -> TensorType:
        kind = self.builder.type(number)
        if kind is None:
            raise self.refuse(Message("the type of a tensor is missing"))
        return kind

    def rank(self, index: int) -> int:
        """Returns the number of axes of an input."""
        return len(self.type(index).shape)

    def axis(self, value: int, rank: int) -> int:
        """Returns an axis counted from the front."""
        if not -rank <= value < max(rank, 1):
            raise self.refuse(Message("there is no axis {axis} among {rank}", axis=value, rank=rank))
        return value % max(rank, 1)

    def known(self, index: int) -> NDArray[np.generic] | None:
        """Returns an input where it is a constant; None where it is known only when the program runs."""
        value = self._value(index)
        if isinstance(value, str):
            return self.builder.known(value)
        parts = [self.builder.known(part) for part in value]
        if any(part is None or part.size != 1 for part in parts):
            return None
        return np.concatenate([np.reshape(part, -1) for part in parts if part is not None])

    def numbers(self, index: int, what: str) -> list[int]:
        """Returns the whole numbers of an input that must be a constant."""
        array = self.known(index)
        if array is None:
            raise self.refuse(Message("its {what} is known only when the program runs", what=what))
        if array.size > MOST_WRITTEN or array.dtype.kind not in "iu":
            raise self.refuse(Message("its {what} is no list of whole numbers", what=what))
        return [int(item) for item in np.ravel(array)]

    def constant(self, index: int, what: str) -> float:
        """Returns the number of an input that must be a constant."""
        array = self.known(index)
        if array is None or array.size != 1 or array.dtype.kind not in "biuf":
            raise self.refuse(Message("its {what} is known only when the program runs", what=what))
        return array.item()

    def sizes(self, index: int) -> Operand:
        """Returns an input that is a list of whole numbers, as one tensor of one axis."""
        array, value = self.known(index), self._value(index)
        if array is not None:
            return self.numbers(index, "size")
        if isinstance(value, str):
            return value if self.rank(index) == 1 else self.emit("Reshape", value, [-1])
        return self.emit("Concat", *(self.emit("Reshape", part, [-1]) for part in value), axis=0)

    # What the rule makes

    def emit(self, operator: str, *inputs: Operand, **attributes: Any) -> str:
        """Adds an operator with one output and returns its name."""
        (name,) = self.emit_many(operator, 1, *inputs, **attributes)
        return name

    def emit_many(self, operator: str, outputs: int, *inputs: Operand, **attributes: Any) -> tuple[str, ...]:
        """Adds an operator with several outputs and returns their names."""
        if not outputs > 0 or self.builder.size + outputs > MOST_NODES:
            raise self.refuse(Message("the graph would have more than {most} nodes", most=MOST_NODES))
        made = self.builder.emit(operator, inputs, outputs, attributes)
        return (made,) if isinstance(made, str) else made

    def cast(self, name: str, dtype: str) -> str:
        """Converts a tensor to one of ONNX's types."""
        if dtype not in ONNX_TYPES:
            raise self.refuse(Message("there is no translation for {dtype}", dtype=dtype))
        return self.emit("Cast", name, to=ONNX_TYPES[dtype])

    def scalar(self, value: float) -> NDArray[np.generic]:
        """Returns a number of the type that the first input has inside the graph."""
        return self.array(value, self.type(0).dtype)

    def array(self, value: Any, dtype: str) -> NDArray[np.generic]:
        """Returns numbers of the type that stands for one of paddle's inside the graph."""
        if dtype not in ONNX_TYPES:
            raise self.refuse(Message("there is no translation for {dtype}", dtype=dtype))
        try:
            with np.errstate(invalid="raise", over="ignore"):
                return np.asarray(value).astype(inside(dtype))
        except (TypeError, ValueError, ArithmeticError):
            raise self.refuse(Message("{value!r} is no number", value=value)) from None

    def shape(self, name: str, start: int, stop: int) -> str:
        """Returns the sides of a tensor along the axes from `start` to before `stop`."""
        return self.emit("Shape", name, start=start, end=stop)


#: How one operation is translated: what it makes, in the order of its outputs.
Rule = Callable[[Call], Value | tuple[Value, ...] | None]

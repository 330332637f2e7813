"""Inputs, outputs, constants, and operations that change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.message import Message
from zoo.program.graph import column
from zoo.program.lower.builder import MOST_WRITTEN, Operand, Value, inside
from zoo.program.lower.call import Call, Rule


def _data(call: Call) -> str:
    """paddle.static.data."""
    name, kind = str(call.attribute("name")), call.out
    if name in call.builder.inputs:
        raise call.refuse(Message("there are two inputs {name!r}", name=name))
    call.builder.input(name, kind, column(call.operation))
    return name if kind.dtype == inside(kind.dtype) else call.cast(name, inside(kind.dtype))


def _fetch(call: Call) -> None:
    """An output of the program."""
    name, kind, source = str(call.attribute("name")), call.type(0), call[0]
    if name in call.builder.outputs or name in call.builder.inputs:
        raise call.refuse(Message("there are two outputs {name!r}", name=name))
    if kind.dtype != inside(kind.dtype):
        source = call.cast(source, kind.dtype)
    call.builder.output(name, source, kind, column(call.operation))


def _full(call: Call) -> str:
    """paddle.full."""
    return uniform(call, call.wholes("shape"), call.attribute("value"), str(call.attribute("dtype")))


def _full_int_array(call: Call) -> str:
    """A list of whole numbers, such as a shape."""
    return call.builder.constant(call.wholes("value"))


def _full_like(call: Call) -> str:
    """paddle.full_like."""
    return spread(call, call.constant(1, "value"), call.out.dtype, call.shape(call[0], 0, call.rank(0)))


def _full_with_tensor(call: Call) -> str:
    """paddle.full of a shape or a value that is a tensor."""
    value = call.constant(0, "value")
    if call.known(1) is not None:
        return uniform(call, call.numbers(1, "shape"), value, call.out.dtype)
    return spread(call, value, call.out.dtype, call.sizes(1))


def _assign_value(call: Call) -> str:
    """paddle.assign of numbers."""
    values = list(call.attribute("values"))
    array = call.array(values, str(call.attribute("dtype")))
    shape = call.wholes("shape")
    if array.size != int(np.prod(shape)):
        raise call.refuse(Message("{name} is {value!r}", name="shape", value=shape))
    return call.builder.constant(array.reshape(shape))


def uniform(call: Call, shape: list[int], value: Any, dtype: str) -> str:
    """Returns the name of a constant of one number, which is written out where it is small."""
    number = call.array(value, dtype)
    if number.ndim or any(side < 0 for side in shape):
        raise call.refuse(Message("{name} is {value!r}", name="shape", value=shape))
    if np.prod(shape, dtype=np.float64) <= MOST_WRITTEN:
        return call.builder.constant(np.full(shape, number))
    return call.emit("Expand", number, shape)


def spread(call: Call, value: Any, dtype: str, shape: Operand) -> str:
    """Returns the name of a tensor of one number whose shape is known when the program runs."""
    return call.emit("Expand", call.array(value, dtype).reshape(()), shape)


def _arange(call: Call) -> str:
    """paddle.arange."""
    dtype = call.out.dtype
    bounds = [call.emit("Reshape", call.converted(index, dtype), _SCALAR) for index in range(3)]
    return call.emit("Range", *bounds)


def _full_batch_size_like(call: Call) -> str:
    """A constant with as many rows as a tensor has."""
    shape, along = call.wholes("shape"), call.whole("output_dim_idx")
    source = call.axis(call.whole("input_dim_idx"), call.rank(0))
    along = call.axis(along, len(shape))
    rows = call.shape(call[0], source, source + 1)
    parts = [part for part in (shape[:along], rows, shape[along + 1 :]) if len(part)]
    sides = call.emit("Concat", *parts, axis=0)
    return spread(call, call.number("value"), call.out.dtype, sides)


def _eye(call: Call) -> str:
    """paddle.eye."""
    rows, columns = (round(call.constant(index, "size")) for index in (0, 1))
    if not 0 <= rows * columns <= MOST_WRITTEN * MOST_WRITTEN:
        raise call.refuse(Message("{name} is {value!r}", name="size", value=[rows, columns]))
    return call.builder.constant(call.array(np.eye(rows, columns), call.out.dtype))


#: The shape of a tensor without axes.
_SCALAR = np.zeros(0, np.int64)


def _cast(call: Call) -> str:
    """paddle.cast."""
    return call.converted(0, str(call.attribute("dtype")))


def _combine(call: Call) -> tuple[Value]:
    """A list of tensors made of its parts."""
    return (tuple(call[index] for index in range(len(call.operation.inputs))),)


def _split(call: Call) -> tuple[Value, ...]:
    """The parts of a list of tensors."""
    return call.items(0)


def _same(call: Call) -> str:
    """paddle.assign, paddle.Tensor.detach and what else leaves its input as it is."""
    return call[0]


def _dropout(call: Call) -> str:
    """paddle.nn.functional.dropout, when nothing is trained."""
    call.only("is_test", True)
    if call.only("mode", "upscale_in_train", "downgrade_in_infer") == "upscale_in_train":
        return call[0]
    return call.emit("Mul", call[0], call.scalar(1 - call.constant(2, "p")))


RULES: dict[str, Rule] = {
    "data": _data,
    "fetch": _fetch,
    "full": _full,
    "full_int_array": _full_int_array,
    "full_like": _full_like,
    "full_with_tensor": _full_with_tensor,
    "assign_value": _assign_value,
    "assign_value_": _assign_value,
    "full_batch_size_like": _full_batch_size_like,
    "arange": _arange,
    "eye": _eye,
    "cast": _cast,
    "builtin.combine": _combine,
    "builtin.split": _split,
    "share_data_": _same,
    "assign": _same,
    "dropout": _dropout,
}

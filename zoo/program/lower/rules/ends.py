"""Inputs, outputs, constants, and operations that change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.message import Message
from zoo.program.graph import TensorType
from zoo.program.lower.builder import MOST_WRITTEN, Operand, Value, inside
from zoo.program.lower.call import Call, Rule


def _data(call: Call) -> str:
    """paddle.static.data."""
    name, kind = str(call.attribute("name")), call.out
    if name in call.builder.inputs:
        raise call.refuse(Message("there are two inputs {name!r}", name=name))
    call.builder.inputs[name] = kind
    return name if kind.dtype == inside(kind.dtype) else call.cast(name, inside(kind.dtype))


def _fetch(call: Call) -> None:
    """An output of the program."""
    name, kind, source = str(call.attribute("name")), call.type(0), call[0]
    if name in call.builder.outputs or name in call.builder.inputs:
        raise call.refuse(Message("there are two outputs {name!r}", name=name))
    if kind.dtype != inside(kind.dtype):
        source = call.cast(source, kind.dtype)
    call.builder.output(name, source, kind)


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
    start, stop, step = (call.emit("Reshape", convert(call, call[i], call.type(i), dtype), _SCALAR) for i in range(3))
    return call.emit("Range", start, stop, step)


#: The shape of a tensor without axes.
_SCALAR = np.zeros(0, np.int64)


def convert(call: Call, name: str, kind: TensorType, dtype: str) -> str:
    """Converts a tensor of a type to another one as paddle does."""
    if inside(kind.dtype) == inside(dtype) and (dtype in ("int64", "int32", "float32") or kind.dtype == dtype):
        return name
    converted = call.cast(name, dtype)
    return converted if dtype == inside(dtype) else call.cast(converted, inside(dtype))


def _cast(call: Call) -> str:
    """paddle.cast."""
    dtype = str(call.attribute("dtype"))
    array = call.known(0)
    if array is not None and array.size <= MOST_WRITTEN and dtype in ("int32", "int64") and array.dtype.kind in "iub":
        return call.builder.constant(array.astype(np.int64))
    return convert(call, call[0], call.type(0), dtype)


def _combine(call: Call) -> tuple[Value]:
    """A list of tensors made of its parts."""
    return (tuple(call[index] for index in range(len(call.operation.inputs))),)


def _split(call: Call) -> tuple[Value, ...]:
    """The parts of a list of tensors."""
    return call.items(0)


def _slice_list(call: Call) -> str:
    """One part of a list of tensors."""
    items, index = call.items(0), call.whole("index")
    if not 0 <= index < len(items):
        raise call.refuse(Message("{name} is {value!r}", name="index", value=index))
    return items[index]


def _same(call: Call) -> str:
    """paddle.assign, paddle.Tensor.detach and what else leaves its input as it is."""
    return call[0]


def _dropout(call: Call) -> str:
    """paddle.nn.functional.dropout, when nothing is trained."""
    call.only("is_test", True)
    if call.only("mode", "upscale_in_train", "downgrade_in_infer") == "upscale_in_train":
        return call[0]
    share = call.attribute("p")
    return call.emit("Mul", call[0], call.scalar(1 - float(share)))


RULES: dict[str, Rule] = {
    "data": _data,
    "fetch": _fetch,
    "full": _full,
    "full_int_array": _full_int_array,
    "full_like": _full_like,
    "full_with_tensor": _full_with_tensor,
    "assign_value": _assign_value,
    "assign_value_": _assign_value,
    "arange": _arange,
    "cast": _cast,
    "builtin.combine": _combine,
    "builtin.split": _split,
    "builtin.slice": _slice_list,
    "share_data_": _same,
    "assign": _same,
    "dropout": _dropout,
}

"""Tensors cut into parts, and put together of parts."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.builder import MOST_WRITTEN, Value
from zoo.program.lower.call import Call, Rule

#: As a bound of a slice: as far as there is anything.
_END = (1 << 31) - 1


def _concat(call: Call) -> str:
    """paddle.concat."""
    (along,) = call.numbers(1, "axis")
    return call.emit("Concat", *call.items(0), axis=along)


def _stack(call: Call) -> str:
    """paddle.stack."""
    axis, parts = call.axis(call.whole("axis"), len(call.out.shape)), call.items(0)
    known = [call.builder.known(part) for part in parts]
    arrays = [array for array in known if array is not None and array.size <= MOST_WRITTEN]
    if len(arrays) == len(parts):
        return call.builder.constant(np.stack(arrays, axis))
    return call.emit("Concat", *(call.emit("Unsqueeze", part, [axis]) for part in parts), axis=axis)


def _slice(call: Call) -> str:
    """A part of a tensor by bounds along some axes, as x[1:3, :, 0]."""
    made = call.emit("Slice", call[0], call.sizes(1), call.sizes(2), call.wholes("axes"))
    gone = call.wholes("decrease_axis")
    return call.emit("Squeeze", made, gone) if gone else made


def _strided_slice(call: Call) -> str:
    """paddle.strided_slice."""
    return call.emit("Slice", call[0], call.sizes(1), call.sizes(2), call.wholes("axes"), call.sizes(3))


def _split(call: Call) -> tuple[Value]:
    """paddle.split into parts of given lengths."""
    (along,) = call.numbers(2, "axis")
    axis, sections = call.axis(along, call.rank(0)), call.numbers(1, "num_or_sections")
    if -1 not in sections:
        return (call.emit_many("Split", len(sections), call[0], sections, axis=axis),)
    if sections.count(-1) > 1:
        raise call.refuse(Message("{name} is {value!r}", name="num_or_sections", value=sections))
    # One part takes what the others leave.
    rest = sections.index(-1)
    side = call.emit("Sub", call.shape(call[0], axis, axis + 1), [sum(sections) + 1])
    before, behind = sections[:rest], sections[rest + 1 :]
    lengths = [part for part in (before, side, behind) if len(part)]
    return (call.emit_many("Split", len(sections), call[0], call.emit("Concat", *lengths, axis=0), axis=axis),)


def _split_with_num(call: Call) -> tuple[Value]:
    """paddle.split into equal parts."""
    (along,) = call.numbers(1, "axis")
    return (equal_parts(call, call[0], call.whole("num"), call.axis(along, call.rank(0))),)


def equal_parts(call: Call, x: str, count: int, axis: int) -> tuple[str, ...]:
    """Splits a tensor whose sides are those of the first input."""
    side = call.type(0).shape[axis] if call.rank(0) else -1
    if not 0 < count <= MOST_WRITTEN or (side > 0 and side % count):
        raise call.refuse(Message("{name} is {value!r}", name="num", value=count))
    # The lengths are given where they are known: onnxruntime (1.32) takes two splits of one tensor for the same,
    # however many parts they have.
    return call.emit_many("Split", count, x, *([[side // count] * count] if side > 0 else []), axis=axis)


def _unbind(call: Call) -> tuple[Value]:
    """paddle.unbind."""
    return (_unstacked(call, call.axis(call.whole("axis"), call.rank(0))),)


def _unstack(call: Call) -> tuple[Value]:
    """paddle.unstack."""
    return (_unstacked(call, call.axis(call.whole("axis"), call.rank(0))),)


def _unstacked(call: Call, axis: int) -> tuple[str, ...]:
    side = call.type(0).shape[axis] if call.rank(0) else -1
    if side < 0:
        raise call.refuse(Message("its {what} is known only when the program runs", what="num"))
    parts = equal_parts(call, call[0], side, axis)
    return tuple(call.emit("Squeeze", part, [axis]) for part in parts)


def _flip(call: Call) -> str:
    """paddle.flip."""
    axes = [call.axis(axis, call.rank(0)) for axis in call.wholes("axis")]
    backwards = [-1] * len(axes)
    return call.emit("Slice", call[0], backwards, [-_END] * len(axes), axes, backwards)


def _roll(call: Call) -> str:
    """paddle.roll."""
    shifts, axes, rank = call.numbers(1, "shifts"), call.wholes("axis"), call.rank(0)
    if not axes and len(shifts) == 1:
        made = _rolled(call, call.emit("Reshape", call[0], [-1]), shifts[0], 0)
        return call.emit("Reshape", made, call.shape(call[0], 0, rank))
    if len(axes) != len(shifts):
        raise call.refuse(Message("{name} is {value!r}", name="axis", value=axes))
    made = call[0]
    for shift, axis in zip(shifts, axes, strict=True):
        made = _rolled(call, made, shift, call.axis(axis, rank))
    return made


def _rolled(call: Call, x: str, shift: int, axis: int) -> str:
    cut = call.emit("Mod", [-shift], call.shape(x, axis, axis + 1), fmod=0)
    tail, head = call.emit("Slice", x, cut, [_END], [axis]), call.emit("Slice", x, [0], cut, [axis])
    return call.emit("Concat", tail, head, axis=axis)


def _meshgrid(call: Call) -> tuple[Value]:
    """paddle.meshgrid."""
    items = [call.emit("Reshape", item, [-1]) for item in call.items(0)]
    shape = call.emit("Concat", *(call.emit("Shape", item) for item in items), axis=0)
    made: list[str] = []
    for index, item in enumerate(items):
        sides = [-1 if axis == index else 1 for axis in range(len(items))]
        made.append(call.emit("Expand", call.emit("Reshape", item, sides), shape))
    return (tuple(made),)


RULES: dict[str, Rule] = {
    "concat": _concat,
    "stack": _stack,
    "slice": _slice,
    "strided_slice": _strided_slice,
    "split": _split,
    "split_with_num": _split_with_num,
    "unbind": _unbind,
    "unstack": _unstack,
    "flip": _flip,
    "roll": _roll,
    "meshgrid": _meshgrid,
}

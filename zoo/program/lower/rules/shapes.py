"""Shapes: what they are, and the same numbers in another one."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.builder import MOST_WRITTEN, Value
from zoo.program.lower.call import Call, Rule


def _shape(call: Call) -> str:
    """paddle.shape."""
    return call.emit("Shape", call[0])


def _reshape(call: Call) -> str:
    """paddle.reshape: 0 keeps a side, -1 takes the rest."""
    array, target = call.known(0), call.known(1)
    if array is not None and target is not None and 0 not in target and -1 not in target:
        sides = call.numbers(1, "shape")
        if array.size != np.prod(sides, dtype=np.float64) or min(sides, default=1) < 0:
            raise call.refuse(Message("{name} is {value!r}", name="shape", value=sides))
        return call.builder.constant(array.reshape(sides))
    return call.emit("Reshape", call[0], call.sizes(1))


def _flatten(call: Call) -> str:
    """paddle.flatten."""
    rank = call.rank(0)
    start, stop = call.axis(call.whole("start_axis"), rank), call.axis(call.whole("stop_axis"), rank)
    if stop >= rank - 1:
        return call.emit("Reshape", call[0], [0] * start + [-1])
    rest = call.shape(call[0], stop + 1, rank)
    return call.emit("Reshape", call[0], call.emit("Concat", [0] * start + [-1], rest, axis=0))


def _transpose(call: Call) -> str:
    """paddle.transpose."""
    rank = call.rank(0)
    return call.emit("Transpose", call[0], perm=[call.axis(axis, rank) for axis in call.wholes("perm")])


def _unsqueeze(call: Call) -> str:
    """paddle.unsqueeze."""
    # One after the other, each among the axes that are there by then.
    made, rank = call[0], call.rank(0)
    for axis in call.numbers(1, "axis"):
        rank += 1
        made = call.emit("Unsqueeze", made, [call.axis(axis, rank)])
    return made


def _squeeze(call: Call) -> str:
    """paddle.squeeze: axes longer than 1 stay."""
    sides = call.type(0).shape
    axes = call.numbers(1, "axis")
    chosen = [call.axis(axis, len(sides)) for axis in axes] if axes else list(range(len(sides)))
    if any(sides[axis] < 0 for axis in chosen) and (not axes or len(call.out.shape) != len(sides) - len(set(chosen))):
        raise call.refuse(Message("its {what} is known only when the program runs", what="axis"))
    gone = sorted({axis for axis in chosen if sides[axis] in (1, -1)})
    return call.emit("Squeeze", call[0], gone) if gone else call[0]


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
    axes = call.wholes("axes")
    made = call.emit("Slice", call[0], call.sizes(1), call.sizes(2), axes)
    gone = call.wholes("decrease_axis")
    return call.emit("Squeeze", made, gone) if gone else made


def _expand(call: Call) -> str:
    """paddle.expand: -1 keeps a side."""
    target = call.known(1)
    if target is not None:
        # In ONNX a 1 keeps it.
        return call.emit("Expand", call[0], [1 if side == -1 else side for side in call.numbers(1, "shape")])
    return call.emit("Expand", call[0], call.emit("Max", call.sizes(1), [1]))


def _split_with_num(call: Call) -> tuple[Value]:
    """paddle.split into equal parts."""
    (along,) = call.numbers(1, "axis")
    axis = call.axis(along, call.rank(0))
    return (call.emit_many("Split", call.whole("num"), call[0], axis=axis),)


RULES: dict[str, Rule] = {
    "shape64": _shape,
    "shape": _shape,
    "reshape": _reshape,
    "flatten": _flatten,
    "transpose": _transpose,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "concat": _concat,
    "stack": _stack,
    "slice": _slice,
    "expand": _expand,
    "split_with_num": _split_with_num,
}

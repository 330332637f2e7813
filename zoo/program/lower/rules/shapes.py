"""Shapes: what they are, and the same numbers in another one."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.call import Call, Rule


def _shape(call: Call) -> str:
    """paddle.shape."""
    return call.emit("Shape", call[0])


def _numel(call: Call) -> str:
    """paddle.numel."""
    return call.emit("Size", call[0])


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
    sides, left = call.type(0).shape, len(call.out.shape)
    axes = call.numbers(1, "axis")
    chosen = sorted({call.axis(axis, len(sides)) for axis in axes} if axes else range(len(sides)))
    gone = [axis for axis in chosen if sides[axis] == 1]
    if len(gone) != len(sides) - left:  # paddle takes a side that it does not know for a 1
        gone = [axis for axis in chosen if sides[axis] in (1, -1)]
    if len(gone) != len(sides) - left or any(sides[axis] == -1 for axis in chosen if axis not in gone):
        raise call.refuse(Message("its {what} is known only when the program runs", what="axis"))
    return call.emit("Squeeze", call[0], gone) if gone else call[0]


def _expand(call: Call) -> str:
    """paddle.expand: -1 keeps a side."""
    # In ONNX a 1 keeps it.
    if call.known(1) is not None:
        return call.emit("Expand", call[0], [1 if side == -1 else side for side in call.numbers(1, "shape")])
    return call.emit("Expand", call[0], call.emit("Max", call.sizes(1), [1]))


def _expand_as(call: Call) -> str:
    """paddle.expand_as."""
    return call.emit("Expand", call[0], call.emit("Shape", call[1]))


def _tile(call: Call) -> str:
    """paddle.tile."""
    times, rank = call.numbers(1, "repeat_times"), call.rank(0)
    x = call[0]
    for _ in range(len(times) - rank):
        x = call.emit("Unsqueeze", x, [0])
    return call.emit("Tile", x, [1] * (rank - len(times)) + times)


RULES: dict[str, Rule] = {
    "shape64": _shape,
    "shape": _shape,
    "numel": _numel,
    "reshape": _reshape,
    "flatten": _flatten,
    "transpose": _transpose,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "expand": _expand,
    "expand_as": _expand_as,
    "tile": _tile,
}

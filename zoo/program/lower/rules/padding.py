"""Padding."""

from __future__ import annotations

from zoo.message import Message
from zoo.program.lower.builder import Operand
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import is_channels_last

#: As a bound of a slice: up to the end.
_END = (1 << 31) - 1


def _pad(call: Call) -> str:
    """paddle.nn.functional.pad, of every axis, by a constant."""
    pads = call.wholes("paddings")
    if len(pads) != 2 * call.rank(0):
        raise call.refuse(Message("{name} is {value!r}", name="paddings", value=pads))
    value = call.constant(1, "pad_value") if call.given(1) else call.number("pad_value")
    return call.emit("Pad", call[0], [*pads[::2], *pads[1::2]], call.scalar(value), mode="constant")


def _pad3d(call: Call) -> str:
    """paddle.nn.functional.pad, of the axes of a picture or a volume."""
    mode = str(call.only("mode", "constant", "reflect", "replicate", "circular"))
    first = 1 if is_channels_last(call) else 2
    if call.rank(0) != 5:
        raise call.refuse(Message("it has {rank} axes", rank=call.rank(0)))
    if mode == "circular":
        return _circular(call, first)
    # paddle has before and behind of the last axis first.
    pads = call.sizes(1)
    before, behind = call.emit("Gather", pads, [4, 2, 0], axis=0), call.emit("Gather", pads, [5, 3, 1], axis=0)
    head, tail = [0] * first, [0] * (2 - first)
    around: list[Operand] = [head, before, [*tail, *head], behind, *([tail] if tail else [])]
    pads = call.emit("Concat", *around, axis=0)
    if mode == "constant":
        return call.emit("Pad", call[0], pads, call.scalar(call.number("pad_value")), mode=mode)
    return call.emit("Pad", call[0], pads, mode="edge" if mode == "replicate" else mode)


def _circular(call: Call, first: int) -> str:
    pads, made = call.numbers(1, "padding"), call[0]
    if len(pads) != 6 or min(pads) < 0:
        raise call.refuse(Message("{name} is {value!r}", name="paddings", value=pads))
    for index in range(3):
        before, behind, axis = pads[2 * index], pads[2 * index + 1], first + 2 - index
        head = [call.emit("Slice", made, [-before], [_END], [axis])] if before else []
        tail = [call.emit("Slice", made, [0], [behind], [axis])] if behind else []
        if head or tail:
            made = call.emit("Concat", *head, made, *tail, axis=axis)
    return made


RULES: dict[str, Rule] = {"pad": _pad, "pad3d": _pad3d}

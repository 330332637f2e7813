"""Pools."""

from __future__ import annotations

from typing import Any

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import channels_first, padding

#: Adaptive pools with more bins along a side are refused: each bin is a slice.
MOST_BINS = 64


def _pool(call: Call) -> str:
    """paddle.nn.functional.avg_pool2d, max_pool2d and the adaptive ones."""
    average = call.only("pooling_type", "max", "avg") == "avg"
    sides = call.numbers(1, "kernel") if call.given(1) else call.wholes("kernel_size")
    axes = list(range(2, call.rank(0)))
    sides = sides * len(axes) if len(sides) == 1 else sides
    reduce = "ReduceMean" if average else "ReduceMax"
    if call.flag("global_pooling") or (call.flag("adaptive") and set(sides) == {1}):
        return channels_first(call, lambda x: call.emit(reduce, x, axes=axes, keepdims=1))
    if len(sides) != len(axes):
        raise call.refuse(Message("{name} is {value!r}", name="kernel_size", value=sides))
    if call.flag("adaptive"):
        return channels_first(call, lambda x: _into_bins(call, x, sides, reduce))
    attributes = _windows(call, sides)
    if not average:
        return channels_first(call, lambda x: call.emit("MaxPool", x, **attributes))
    if call.flag("exclusive"):
        return channels_first(call, lambda x: call.emit("AveragePool", x, count_include_pad=0, **attributes))
    return channels_first(call, lambda x: _with_padding(call, x, attributes))


def _windows(call: Call, sides: list[int]) -> dict[str, Any]:
    """Returns kernel, strides and padding."""
    strides, ceil = call.wholes("strides"), call.flag("ceil_mode")
    attributes: dict[str, Any] = {"kernel_shape": sides, "strides": strides, **padding(call, call.wholes("paddings"))}
    if not ceil:
        return attributes
    if "pads" not in attributes:
        if any(stride > side for stride, side in zip(strides, sides, strict=True)):
            raise call.refuse(Message("{name} is {value!r}", name="ceil_mode", value=True))
        return attributes
    # ONNX leaves out a window that begins behind the picture, paddle does not: it is as if there were more padding.
    axes = len(sides)
    behind = [pad + stride - 1 for pad, stride in zip(attributes["pads"][axes:], strides, strict=True)]
    if any(pad >= side for pad, side in zip(behind, sides, strict=True)):
        raise call.refuse(Message("{name} is {value!r}", name="ceil_mode", value=True))
    return {**attributes, "pads": [*attributes["pads"][:axes], *behind]}


def _with_padding(call: Call, x: str, attributes: dict[str, Any]) -> str:
    """Returns means in which padding counts as zeros: as much of it behind a side as before it, in paddle."""
    pads, axes = attributes.get("pads"), len(attributes["kernel_shape"])
    if pads is None:
        raise call.refuse(Message("{name} is {value!r}", name="padding_algorithm", value="SAME"))
    before, behind = pads[:axes], pads[axes:]
    if before == behind:
        return call.emit("AveragePool", x, count_include_pad=1, **attributes)
    if any(back < front for front, back in zip(before, behind, strict=True)):
        raise call.refuse(Message("{name} is {value!r}", name="paddings", value=pads))
    padded = call.emit("Pad", x, [0, 0, *before, 0, 0, *before], call.scalar(0), mode="constant")
    rest = [back - front for front, back in zip(before, behind, strict=True)]
    return call.emit("AveragePool", padded, count_include_pad=0, **{**attributes, "pads": [0] * axes + rest})


def _into_bins(call: Call, x: str, sides: list[int], reduce: str) -> str:
    for axis, bins in enumerate(sides, 2):
        if not 1 <= bins <= MOST_BINS:
            raise call.refuse(Message("{name} is {value!r}", name="kernel_size", value=sides))
        x = _along(call, x, axis, bins, reduce)
    return x


def _along(call: Call, x: str, axis: int, bins: int, reduce: str) -> str:
    # Bin i of n covers floor(i * side / n) to ceil((i + 1) * side / n); they may overlap. No engine has an operator
    # for a side that is known only when the program runs.
    side = call.shape(x, axis, axis + 1)
    parts: list[str] = []
    for index in range(bins):
        start = call.emit("Div", call.emit("Mul", side, [index]), [bins])
        behind = call.emit("Add", call.emit("Mul", side, [index + 1]), [bins - 1])
        part = call.emit("Slice", x, start, call.emit("Div", behind, [bins]), [axis])
        parts.append(call.emit(reduce, part, axes=[axis], keepdims=1))
    return call.emit("Concat", *parts, axis=axis)


def _max_with_index(call: Call) -> tuple[str, ...]:
    """paddle.nn.functional.max_pool2d with return_mask, and adaptive_max_pool2d."""
    sides, axes = call.wholes("kernel_size"), list(range(2, call.rank(0)))
    if call.flag("global_pooling") or (call.flag("adaptive") and set(sides) == {1}):
        return (call.emit("ReduceMax", call[0], axes=axes, keepdims=1),)
    if len(sides) != len(axes):
        raise call.refuse(Message("{name} is {value!r}", name="kernel_size", value=sides))
    if call.flag("adaptive"):
        return (_into_bins(call, call[0], sides, "ReduceMax"),)
    made, places = call.emit_many("MaxPool", 2, call[0], **_windows(call, sides))
    # ONNX counts through the whole tensor, paddle through each channel.
    area = call.emit("ReduceProd", call.shape(call[0], 2, call.rank(0)), keepdims=1)
    return made, call.emit("Mod", places, area, fmod=0)


RULES: dict[str, Rule] = {
    "pool2d": _pool,
    "pool3d": _pool,
    "max_pool2d_with_index": _max_with_index,
    "max_pool3d_with_index": _max_with_index,
}

"""Picking numbers by their place."""

from __future__ import annotations

from zoo.program.graph import Operation
from zoo.program.lower.call import Call, Rule


def _take_along_axis(call: Call) -> str:
    """paddle.take_along_axis."""
    axis = call.axis(call.whole("axis"), call.rank(0))
    # The number at the place of the greatest one is the greatest one: zoo's networks pick it so for their gradient.
    picked = _maker(call, call.source(1))
    if picked is not None and picked.name == "argmax" and picked.attributes.get("keepdims") is True:
        finder = Call(call.builder, picked)
        same = _origin(call, picked.inputs[0]) == _origin(call, call.source(0))
        if same and finder.numbers(1, "axis") in ([axis], [axis - call.rank(0)]):
            return call.emit("ReduceMax", finder[0], axes=[axis], keepdims=1)
    return call.emit("GatherElements", call[0], call[1], axis=axis)


def _maker(call: Call, value: int) -> Operation | None:
    return call.builder.makers.get(_origin(call, value))


def _origin(call: Call, value: int) -> int:
    """Returns the value that another one shows under another number, or spread over a larger shape."""
    maker = call.builder.makers.get(value)
    while maker is not None and maker.name in ("share_data_", "assign", "expand"):
        value = maker.inputs[0]
        maker = call.builder.makers.get(value)
    return value


RULES: dict[str, Rule] = {"take_along_axis": _take_along_axis}

"""Picking numbers by their place."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
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
    """Returns the value that another one shows under another number, or spread over the shape it has."""
    maker = call.builder.makers.get(value)
    while maker is not None and maker.name in ("share_data_", "assign", "expand"):
        value = maker.inputs[0]
        maker = call.builder.makers.get(value)
    return value


def _gather(call: Call) -> str:
    """paddle.gather."""
    (axis,) = call.numbers(2, "axis") if call.given(2) else [0]
    index = call[1] if call.rank(1) < 2 else call.emit("Reshape", call[1], [-1])
    return call.emit("Gather", call[0], index, axis=call.axis(axis, call.rank(0)))


def _index_select(call: Call) -> str:
    """paddle.index_select."""
    return call.emit("Gather", call[0], call[1], axis=call.axis(call.whole("axis"), call.rank(0)))


def _gather_nd(call: Call) -> str:
    """paddle.gather_nd, and a tensor picked by lists of places."""
    return call.emit("GatherND", call[0], call[1])


def _index_sample(call: Call) -> str:
    """paddle.index_sample."""
    return call.emit("GatherElements", call[0], call[1], axis=1)


def _embedding(call: Call) -> str:
    """paddle.nn.functional.embedding."""
    weight, none = call.known(1), call.whole("padding_idx")
    if none == -1:
        return call.emit("Gather", call[1], call[0], axis=0)
    if weight is None or weight.ndim != 2 or not 0 <= none < len(weight):
        raise call.refuse(Message("{name} is {value!r}", name="padding_idx", value=none))
    kept = np.array(weight)
    kept[none] = 0
    return call.emit("Gather", kept, call[0], axis=0)


def _one_hot(call: Call) -> str:
    """paddle.nn.functional.one_hot."""
    depth = round(call.constant(1, "num_classes"))
    return call.emit("OneHot", call[0], call.array(depth, "int64"), call.array([0, 1], call.out.dtype), axis=-1)


def _put_along_axis(call: Call) -> str:
    """paddle.put_along_axis."""
    call.only("include_self", True)
    reductions = {"assign": "none", "add": "add", "mul": "mul", "multiply": "mul"}
    how = reductions[str(call.only("reduce", *reductions))]
    axis = call.axis(call.whole("axis"), call.rank(0))
    return call.emit("ScatterElements", call[0], call[1], call[2], axis=axis, reduction=how)


def _scatter_nd_add(call: Call) -> str:
    """paddle.scatter_nd_add."""
    return call.emit("ScatterND", call[0], call[1], call[2], reduction="add")


def _nonzero(call: Call) -> str:
    """paddle.nonzero."""
    return call.emit("Transpose", call.emit("NonZero", call[0]), perm=[1, 0])


def _grid_sample(call: Call) -> str:
    """paddle.nn.functional.grid_sample."""
    return call.emit(
        "GridSample",
        call[0],
        call[1],
        mode=str(call.only("mode", "bilinear", "nearest")),
        padding_mode=str(call.only("padding_mode", "zeros", "border", "reflection")),
        align_corners=int(call.flag("align_corners")),
    )


RULES: dict[str, Rule] = {
    "take_along_axis": _take_along_axis,
    "gather": _gather,
    "index_select": _index_select,
    "gather_nd": _gather_nd,
    "index_sample": _index_sample,
    "embedding": _embedding,
    "one_hot": _one_hot,
    "put_along_axis": _put_along_axis,
    "scatter_nd_add": _scatter_nd_add,
    "nonzero": _nonzero,
    "grid_sample": _grid_sample,
}

"""What the one channel of a program is: seen in the operations that make it, never in its values."""

from __future__ import annotations

from typing import Literal

from zoo.program.graph import Graph, Operation, column

OneChannel = Literal["", "logit", "probability"]

_BOUNDED = {"sigmoid", "hardsigmoid", "hard_sigmoid", "softmax"}
# They move, repeat or mix pixels, and what is from 0 to 1 stays so.
_KEEPING = {
    *("assign", "cast", "clip", "contiguous", "share_data", "dropout", "flip", "pool2d"),
    *("bilinear_interp", "bilinear_interp_v2", "nearest_interp", "nearest_interp_v2"),
    *("reshape", "reshape2", "slice", "strided_slice", "transpose", "transpose2"),
    *("squeeze", "squeeze2", "unsqueeze", "unsqueeze2"),
}
_ARITHMETIC = {
    *("scale", "pow", "log", "exp", "add", "subtract", "multiply", "divide"),
    *("elementwise_add", "elementwise_sub", "elementwise_mul", "elementwise_div", "elementwise_pow"),
}


def one_channel(graph: Graph) -> OneChannel:
    """Returns what the first output of a program is if it has one channel of floats.

    Returns:
        "probability" if it comes from a sigmoid or softmax, "logit" if no such is behind it; empty for other outputs,
        and where it was calculated from probabilities, or made of whole numbers.
    """
    fetched = sorted((op for op in graph.operations if op.name == "fetch"), key=column)
    waiting = _given(fetched[0])[:1] if fetched else []
    output = graph.types.get(waiting[0]) if waiting else None
    if output is None or len(output.shape) != 4 or output.shape[1] != 1 or not output.dtype.startswith("float"):
        return ""
    makers = {value: op for op in graph.operations for value in (*op.outputs, *op.results.get("Out", ()))}
    seen: set[int] = set()
    bounded = calculated = False
    while waiting:
        value = waiting.pop()
        kind = graph.types.get(value)
        if kind is not None and not kind.dtype.startswith("float"):
            return ""
        maker = makers.get(value)
        if maker is None or value in seen:
            continue
        seen.add(value)
        name = maker.name.rstrip("_")
        bounded |= name in _BOUNDED
        calculated |= name in _ARITHMETIC
        if name in _KEEPING:
            waiting += _given(maker)[:1]
        elif name in _ARITHMETIC:
            waiting += _given(maker)
    if bounded:
        return "" if calculated else "probability"
    return "logit"


def _given(operation: Operation) -> list[int]:
    slots = operation.slots
    return [*operation.inputs, *(value for slot in ("X", "Input", "Y") for value in slots.get(slot, ()))]

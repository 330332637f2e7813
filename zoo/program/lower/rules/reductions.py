"""Sums, means and extremes along axes, where they are, and order."""

from __future__ import annotations

from typing import Any

from zoo.message import Message
from zoo.program.lower.builder import Operand
from zoo.program.lower.call import Call, Rule


def _mean(call: Call) -> str:
    """paddle.mean."""
    return _reduced(call, "ReduceMean", call.floats(0))


def _max(call: Call) -> str:
    """paddle.max and amax."""
    return _reduced(call, "ReduceMax", call[0])


def _min(call: Call) -> str:
    """paddle.min and amin."""
    return _reduced(call, "ReduceMin", call[0])


def _prod(call: Call) -> str:
    """paddle.prod."""
    return _reduced(call, "ReduceProd", call[0])


def _sum(call: Call) -> str:
    """paddle.sum."""
    axes = _axes(call)
    x = call.converted(0, call.out.dtype)
    return call.emit("ReduceSum", x, *([axes] if axes else []), keepdims=int(call.flag("keepdim")))


def _axes(call: Call) -> list[int]:
    """Returns the axes; none of them means all."""
    if call.operation.attributes.get("reduce_all") is True:
        return []
    axes = call.numbers(1, "axis") if call.given(1) else call.wholes("axis")
    return [call.axis(axis, call.rank(0)) for axis in axes]


def _reduced(call: Call, operator: str, x: str) -> str:
    axes = _axes(call)
    return call.emit(operator, x, keepdims=int(call.flag("keepdim")), **({"axes": axes} if axes else {}))


def _logsumexp(call: Call) -> str:
    """paddle.logsumexp."""
    # Beside the greatest number, so that nothing overflows.
    axes = _axes(call)
    over: dict[str, Any] = {"axes": axes} if axes else {}
    top = call.emit("ReduceMax", call.floats(0), keepdims=1, **over)
    powers = call.emit("Exp", call.emit("Sub", call[0], top))
    total = call.emit("ReduceSum", powers, *([axes] if axes else []), keepdims=1)
    made = call.emit("Add", call.emit("Log", total), top)
    return made if call.flag("keepdim") else _without(call, made, axes)


def _without(call: Call, x: str, axes: list[int]) -> str:
    return call.emit("Squeeze", x, axes or list(range(call.rank(0)))) if call.rank(0) else x


def _p_norm(call: Call) -> str:
    """paddle.linalg.norm of vectors."""
    order, keep = call.number("porder"), int(call.flag("keepdim"))
    whole = call.flag("asvector")
    over: dict[str, Any] = {} if whole else {"axes": [call.axis(call.whole("axis"), call.rank(0))]}
    if order == 2:
        return call.emit("ReduceL2", call.floats(0), keepdims=keep, **over)
    size = call.emit("Abs", call.floats(0))
    if order in (float("inf"), float("-inf")):
        return call.emit("ReduceMax" if order > 0 else "ReduceMin", size, keepdims=keep, **over)
    if order <= 0:
        raise call.refuse(Message("{name} is {value!r}", name="porder", value=order))
    axes = [over["axes"]] if over else []
    if order == 1:  # not ReduceL1, whose axes OpenVINO overlooks
        return call.emit("ReduceSum", size, *axes, keepdims=keep)
    total = call.emit("ReduceSum", call.emit("Pow", size, call.scalar(order)), *axes, keepdims=keep)
    return call.emit("Pow", total, call.scalar(1 / order))


def _argmax(call: Call) -> str:
    """paddle.argmax."""
    return _place(call, "ArgMax")


def _argmin(call: Call) -> str:
    """paddle.argmin."""
    return _place(call, "ArgMin")


def _place(call: Call, operator: str) -> str:
    (along,) = call.numbers(1, "axis")
    keep, rank = int(call.flag("keepdims")), call.rank(0)
    if not call.flag("flatten"):
        return call.emit(operator, call[0], axis=call.axis(along, rank), keepdims=keep)
    made = call.emit(operator, call.emit("Reshape", call[0], [-1]), axis=0, keepdims=0)
    return call.emit("Reshape", made, [1] * rank) if keep and rank else made


def _topk(call: Call) -> tuple[str, ...]:
    """paddle.topk."""
    count: Operand = call.numbers(1, "k") if call.known(1) is not None else call.emit("Reshape", call[1], [1])
    return _top(call, count, call.flag("largest"), call.flag("sorted"))


def _argsort(call: Call) -> tuple[str, ...]:
    """paddle.argsort and sort."""
    axis = call.axis(call.whole("axis"), call.rank(0))
    return _top(call, call.shape(call[0], axis, axis + 1), call.flag("descending"), True)


def _top(call: Call, count: Operand, largest: bool, ordered: bool) -> tuple[str, ...]:
    axis = call.axis(call.whole("axis"), call.rank(0))
    order = {"largest": int(largest), "sorted": int(ordered)}
    return call.emit_many("TopK", 2, call[0], count, axis=axis, **order)


def _cumsum(call: Call) -> str:
    """paddle.cumsum."""
    (axis,) = call.numbers(1, "axis")
    x = call.converted(0, call.out.dtype)
    if call.flag("flatten"):
        x, axis = call.emit("Reshape", x, [-1]), 0
    order = {"exclusive": int(call.flag("exclusive")), "reverse": int(call.flag("reverse"))}
    return call.emit("CumSum", x, call.array(axis, "int64"), **order)


RULES: dict[str, Rule] = {
    "mean": _mean,
    "max": _max,
    "amax": _max,
    "min": _min,
    "amin": _min,
    "prod": _prod,
    "sum": _sum,
    "logsumexp": _logsumexp,
    "p_norm": _p_norm,
    "argmax": _argmax,
    "argmin": _argmin,
    "topk": _topk,
    "argsort": _argsort,
    "cumsum": _cumsum,
}

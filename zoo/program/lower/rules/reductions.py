"""Sums, means and extremes along axes, and where they are."""

from __future__ import annotations

from zoo.program.lower.call import Call, Rule


def _mean(call: Call) -> str:
    """paddle.mean."""
    return _reduced(call, "ReduceMean")


def _max(call: Call) -> str:
    """paddle.max."""
    return _reduced(call, "ReduceMax")


def _reduced(call: Call, operator: str) -> str:
    axes = call.numbers(1, "axis") if call.given(1) else call.wholes("axis")
    attributes = {"axes": axes} if axes else {}
    return call.emit(operator, call[0], keepdims=int(call.flag("keepdim")), **attributes)


def _argmax(call: Call) -> str:
    """paddle.argmax."""
    call.only("flatten", False)
    (along,) = call.numbers(1, "axis")
    return call.emit("ArgMax", call[0], axis=call.axis(along, call.rank(0)), keepdims=int(call.flag("keepdims")))


RULES: dict[str, Rule] = {"mean": _mean, "max": _max, "argmax": _argmax}

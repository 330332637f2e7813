"""Comparisons and logic."""

from __future__ import annotations

from zoo.message import Message
from zoo.program.lower.call import Call, Rule

_COMPARISONS = {
    "equal": "Equal",
    "less_than": "Less",
    "less_equal": "LessOrEqual",
    "greater_than": "Greater",
    "greater_equal": "GreaterOrEqual",
}
_LOGIC = {
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
    "bitwise_and": "And",
    "bitwise_or": "Or",
    "bitwise_xor": "Xor",
}


def _comparison(name: str, operator: str) -> Rule:
    def rule(call: Call) -> str:
        if call.type(0).dtype != call.type(1).dtype or (call.type(0).dtype == "bool" and operator != "Equal"):
            types = f"{call.type(0).dtype}, {call.type(1).dtype}"
            raise call.refuse(Message("its inputs are {types}", types=types))
        return call.emit(operator, call[0], call[1])

    rule.__doc__ = f"paddle.{name}."
    return rule


def _logic(name: str, operator: str) -> Rule:
    def rule(call: Call) -> str:
        if name.startswith("bitwise") and call.type(0).dtype != "bool":
            raise call.refuse(Message("its inputs are {types}", types=call.type(0).dtype))
        return call.emit(operator, truth(call, 0), truth(call, 1))

    of = " of truth values" if name.startswith("bitwise") else ""
    rule.__doc__ = f"paddle.{name}{of}."
    return rule


def truth(call: Call, index: int) -> str:
    """Returns an input as truth values: everything but zero is true."""
    return call.converted(index, "bool")


def _not_equal(call: Call) -> str:
    """paddle.not_equal."""
    return call.emit("Not", call.emit("Equal", call[0], call[1]))


def _logical_not(call: Call) -> str:
    """paddle.logical_not."""
    return call.emit("Not", truth(call, 0))


def _isnan(call: Call) -> str:
    """paddle.isnan."""
    return call.emit("IsNaN", call.floats(0))


def _isinf(call: Call) -> str:
    """paddle.isinf."""
    return call.emit("Equal", call.emit("Abs", call.floats(0)), call.scalar(float("inf")))


def _isfinite(call: Call) -> str:
    """paddle.isfinite."""
    return call.emit("Less", call.emit("Abs", call.floats(0)), call.scalar(float("inf")))


def _where(call: Call) -> str:
    """paddle.where."""
    return call.emit("Where", call[0], call[1], call[2])


def _masked_fill(call: Call) -> str:
    """paddle.masked_fill."""
    return call.emit("Where", call[1], call.converted(2, call.type(0).dtype), call[0])


def _any(call: Call) -> str:
    """paddle.any."""
    return _over(call, "ReduceMax")


def _all(call: Call) -> str:
    """paddle.all."""
    return _over(call, "ReduceMin")


def _over(call: Call, operator: str) -> str:
    axes = [] if call.operation.attributes.get("reduce_all") is True else call.wholes("axis")
    numbers = call.cast(truth(call, 0), "int64")
    attributes = {"axes": axes} if axes else {}
    return call.cast(call.emit(operator, numbers, keepdims=int(call.flag("keepdim")), **attributes), "bool")


RULES: dict[str, Rule] = {
    **{name: _comparison(name, operator) for name, operator in _COMPARISONS.items()},
    **{name: _logic(name, operator) for name, operator in _LOGIC.items()},
    "not_equal": _not_equal,
    "logical_not": _logical_not,
    "bitwise_not": _logical_not,
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
    "where": _where,
    "masked_fill": _masked_fill,
    "any": _any,
    "all": _all,
}

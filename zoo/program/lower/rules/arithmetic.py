"""Arithmetic, comparisons and logic, number by number."""

from __future__ import annotations

from zoo.program.lower.builder import WHOLE
from zoo.program.lower.call import Call, Rule


def _binary(operator: str) -> Rule:
    def rule(call: Call) -> str:
        return call.emit(operator, call[0], call[1])

    return rule


def _floor_divide(call: Call) -> str:
    """paddle.floor_divide."""
    if call.type(0).dtype not in WHOLE:
        return call.emit("Floor", call.emit("Div", call[0], call[1]))
    # ONNX divides whole numbers towards zero; what is left has the divisor's sign, so that the rest divides exactly.
    rest = call.emit("Mod", call[0], call[1], fmod=0)
    return call.emit("Div", call.emit("Sub", call[0], rest), call[1])


def _remainder(call: Call) -> str:
    """paddle.remainder: what is left has the sign of the divisor."""
    if call.type(0).dtype in WHOLE:
        return call.emit("Mod", call[0], call[1], fmod=0)
    rest, zero = call.emit("Mod", call[0], call[1], fmod=1), call.scalar(0)
    differ = call.emit("Less", call.emit("Mul", rest, call[1]), zero)
    return call.emit("Where", differ, call.emit("Add", rest, call[1]), rest)


def _add_n(call: Call) -> str:
    """paddle.add_n."""
    total, *rest = call.items(0)
    for part in rest:
        total = call.emit("Add", total, part)
    return total


def _scale(call: Call) -> str:
    """paddle.scale, and a tensor with a number added to it or multiplied by it."""
    factor = call.constant(1, "scale") if call.given(1) else call.number("scale")
    # paddle brings both to the type of the tensor first.
    by, plus = call.scalar(factor), call.scalar(call.number("bias"))
    made = call[0]
    if not call.flag("bias_after_scale") and plus != 0:
        made = call.emit("Add", made, plus)
    if by != 1:
        made = call.emit("Mul", made, by)
    return call.emit("Add", made, plus) if call.flag("bias_after_scale") and plus != 0 else made


_BINARY = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
}
RULES: dict[str, Rule] = {
    **{name: _binary(operator) for name, operator in _BINARY.items()},
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "add_n": _add_n,
    "scale": _scale,
}

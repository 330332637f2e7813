"""Arithmetic, number by number."""

from __future__ import annotations

from zoo.message import Message
from zoo.program.lower.builder import WHOLE
from zoo.program.lower.call import Call, Rule

#: Operations that are an operator of ONNX: of one tensor of floating-point numbers, of two tensors of numbers.
_UNARY = {
    "abs": "Abs",
    "acos": "Acos",
    "acosh": "Acosh",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "reciprocal": "Reciprocal",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
_BINARY = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
    "fmax": "Max",
    "fmin": "Min",
    "elementwise_pow": "Pow",
}


def _unary(name: str, operator: str) -> Rule:
    def rule(call: Call) -> str:
        x = call[0] if operator in ("Abs", "Sign") else call.floats(0)
        return call.emit(operator, x)

    rule.__doc__ = f"paddle.{name}."
    return rule


def _binary(name: str, operator: str) -> Rule:
    def rule(call: Call) -> str:
        if call.type(0).dtype == "bool" or call.type(0).dtype != call.type(1).dtype:
            types = f"{call.type(0).dtype}, {call.type(1).dtype}"
            raise call.refuse(Message("its inputs are {types}", types=types))
        return call.emit(operator, call[0], call[1])

    rule.__doc__ = "paddle.pow of two tensors." if operator == "Pow" else f"paddle.{name}."
    return rule


def compared(call: Call, operator: str, value: float) -> str:
    """Compares the first input with a number."""
    return call.emit(operator, call[0], call.scalar(value))


def _pow(call: Call) -> str:
    """paddle.pow by a number."""
    exponent = call.number("y")
    if exponent == 2:
        return call.emit("Mul", call[0], call[0])
    return call.emit("Pow", call[0], call.scalar(exponent))


def _square(call: Call) -> str:
    """paddle.square."""
    return call.emit("Mul", call[0], call[0])


def _rsqrt(call: Call) -> str:
    """paddle.rsqrt."""
    return call.emit("Reciprocal", call.emit("Sqrt", call.floats(0)))


def _log1p(call: Call) -> str:
    """paddle.log1p."""
    return call.emit("Log", call.emit("Add", call.floats(0), call.scalar(1)))


def _expm1(call: Call) -> str:
    """paddle.expm1."""
    return call.emit("Sub", call.emit("Exp", call.floats(0)), call.scalar(1))


def _log2(call: Call) -> str:
    """paddle.log2."""
    return call.emit("Mul", call.emit("Log", call.floats(0)), call.scalar(1.4426950408889634))


def _log10(call: Call) -> str:
    """paddle.log10."""
    return call.emit("Mul", call.emit("Log", call.floats(0)), call.scalar(0.4342944819032518))


def _round(call: Call) -> str:
    """paddle.round."""
    call.only("decimals", 0)
    return call.emit("Round", call.floats(0))


def _trunc(call: Call) -> str:
    """paddle.trunc."""
    return call.emit("Mul", call.emit("Sign", call[0]), call.emit("Floor", call.emit("Abs", call.floats(0))))


def _floor_divide(call: Call) -> str:
    """paddle.floor_divide."""
    if call.type(0).dtype not in WHOLE:
        return call.emit("Floor", call.emit("Div", call.floats(0), call[1]))
    # ONNX divides whole numbers towards zero; what is left has the divisor's sign, so that the rest divides exactly.
    rest = call.emit("Mod", call[0], call[1], fmod=0)
    return call.emit("Div", call.emit("Sub", call[0], rest), call[1])


def _remainder(call: Call) -> str:
    """paddle.remainder: what is left has the sign of the divisor."""
    if call.type(0).dtype in WHOLE:
        return call.emit("Mod", call[0], call[1], fmod=0)
    rest = call.emit("Mod", call.floats(0), call[1], fmod=1)
    differ = call.emit("Less", call.emit("Mul", rest, call[1]), call.scalar(0))
    return call.emit("Where", differ, call.emit("Add", rest, call[1]), rest)


def _add_n(call: Call) -> str:
    """paddle.add_n."""
    total, *rest = call.items(0)
    for part in rest:
        total = call.emit("Add", total, part)
    return total


def _scale(call: Call) -> str:
    """paddle.scale, and a tensor with a number added to it or multiplied by it."""
    # paddle brings both numbers to the type of the tensor first.
    plus, made, behind = call.scalar(call.number("bias")), call[0], call.flag("bias_after_scale")
    if not behind and plus != 0:
        made = call.emit("Add", made, plus)
    if call.given(1) and call.known(1) is None:
        made = call.emit("Mul", made, call.converted(1, call.type(0).dtype))
    elif (by := call.scalar(call.constant(1, "scale") if call.given(1) else call.number("scale"))) != 1:
        made = call.emit("Mul", made, by)
    return call.emit("Add", made, plus) if behind and plus != 0 else made


def _clip(call: Call) -> str:
    """paddle.clip."""
    low, high = (call.converted(index, call.type(0).dtype) for index in (1, 2))
    return call.emit("Min", call.emit("Max", call[0], low), high)


def _lerp(call: Call) -> str:
    """paddle.lerp."""
    return call.emit("Add", call[0], call.emit("Mul", call[2], call.emit("Sub", call[1], call[0])))


RULES: dict[str, Rule] = {
    **{name: _unary(name, operator) for name, operator in _UNARY.items()},
    **{name: _binary(name, operator) for name, operator in _BINARY.items()},
    "pow": _pow,
    "square": _square,
    "rsqrt": _rsqrt,
    "log1p": _log1p,
    "expm1": _expm1,
    "log2": _log2,
    "log10": _log10,
    "round": _round,
    "trunc": _trunc,
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "add_n": _add_n,
    "scale": _scale,
    "clip": _clip,
    "lerp": _lerp,
}

"""Functions of one number at a time, and softmax."""

from __future__ import annotations

import numpy as np

from zoo.program.lower.call import Call, Rule


def _unary(operator: str) -> Rule:
    def rule(call: Call) -> str:
        return call.emit(operator, call[0])

    return rule


def _relu6(call: Call) -> str:
    """paddle.nn.functional.relu6."""
    return call.emit("Clip", call[0], call.scalar(0), call.scalar(6))


def _hardsigmoid(call: Call) -> str:
    """paddle.nn.functional.hardsigmoid."""
    return call.emit("HardSigmoid", call[0], alpha=float(call.number("slope")), beta=float(call.number("offset")))


def _hardswish(call: Call) -> str:
    """paddle.nn.functional.hardswish."""
    return call.emit("HardSwish", call[0])


def _gelu(call: Call) -> str:
    """paddle.nn.functional.gelu."""
    return gelu(call, call[0])


def gelu(call: Call, x: str) -> str:
    """Returns x times the share of a normal distribution below it; engines make one operator of it again."""
    half, one = call.scalar(0.5), call.scalar(1)
    if call.flag("approximate"):
        cubed = call.emit("Mul", call.emit("Mul", x, call.emit("Mul", x, x)), call.scalar(0.044715))
        inner = call.emit("Mul", call.emit("Add", x, cubed), call.scalar(float(np.sqrt(2 / np.pi))))
        share = call.emit("Add", call.emit("Tanh", inner), one)
    else:
        share = call.emit("Add", call.emit("Erf", call.emit("Div", x, call.scalar(2**0.5))), one)
    return call.emit("Mul", call.emit("Mul", x, share), half)


def _softmax(call: Call) -> str:
    """paddle.nn.functional.softmax."""
    return call.emit("Softmax", call[0], axis=call.axis(call.whole("axis"), call.rank(0)))


_UNARY = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "exp": "Exp",
    "sqrt": "Sqrt",
    "tanh": "Tanh",
    "abs": "Abs",
    "floor": "Floor",
}
RULES: dict[str, Rule] = {
    **{name: _unary(operator) for name, operator in _UNARY.items()},
    "relu6": _relu6,
    "hardsigmoid": _hardsigmoid,
    "hardswish": _hardswish,
    "gelu": _gelu,
    "softmax": _softmax,
}

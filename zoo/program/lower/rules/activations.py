"""Activations, and softmax."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.rules.arithmetic import compared


def _relu(call: Call) -> str:
    """paddle.nn.functional.relu."""
    return call.emit("Relu", call.floats(0))


def _relu6(call: Call) -> str:
    """paddle.nn.functional.relu6."""
    return call.emit("Clip", call[0], call.scalar(0), call.scalar(6))


def _leaky_relu(call: Call) -> str:
    """paddle.nn.functional.leaky_relu."""
    return call.emit("LeakyRelu", call[0], alpha=float(call.number("negative_slope")))


def _rrelu(call: Call) -> str:
    """paddle.nn.functional.rrelu, when nothing is trained."""
    call.only("is_test", True)
    return call.emit("LeakyRelu", call[0], alpha=(call.number("lower") + call.number("upper")) / 2)


def _prelu(call: Call) -> str:
    """paddle.nn.functional.prelu."""
    mode, rank = call.only("mode", "all", "channel"), call.rank(0)
    axis = 1 if str(call.only("data_format", "NCHW", "NHWC"))[-1] == "W" else rank - 1
    sides = [1] * rank
    if mode == "channel":
        sides[axis] = -1
    return call.emit("PRelu", call[0], call.emit("Reshape", call[1], sides))


def _elu(call: Call) -> str:
    """paddle.nn.functional.elu."""
    return call.emit("Elu", call[0], alpha=float(call.number("alpha")))


def _selu(call: Call) -> str:
    """paddle.nn.functional.selu."""
    return call.emit("Selu", call[0], alpha=float(call.number("alpha")), gamma=float(call.number("scale")))


def _celu(call: Call) -> str:
    """paddle.nn.functional.celu."""
    alpha, zero = float(call.number("alpha")), call.scalar(0)
    if alpha <= 0:
        raise call.refuse(Message("{name} is {value!r}", name="alpha", value=alpha))
    below = call.emit("Elu", call.emit("Div", call.emit("Min", call[0], zero), call.scalar(alpha)), alpha=1.0)
    return call.emit("Add", call.emit("Max", call[0], zero), call.emit("Mul", below, call.scalar(alpha)))


def _gelu(call: Call) -> str:
    """paddle.nn.functional.gelu."""
    # x times the share of a normal distribution below it; engines make one operator of it again.
    x, half, one = call[0], call.scalar(0.5), call.scalar(1)
    if call.flag("approximate"):
        cubed = call.emit("Mul", call.emit("Mul", x, call.emit("Mul", x, x)), call.scalar(0.044715))
        inner = call.emit("Mul", call.emit("Add", x, cubed), call.scalar(float(np.sqrt(2 / np.pi))))
        share = call.emit("Add", call.emit("Tanh", inner), one)
    else:
        share = call.emit("Add", call.emit("Erf", call.emit("Div", x, call.scalar(2**0.5))), one)
    return call.emit("Mul", call.emit("Mul", x, share), half)


def _silu(call: Call) -> str:
    """paddle.nn.functional.silu and swish."""
    call.only("beta", 1.0)
    return call.emit("Mul", call[0], call.emit("Sigmoid", call.floats(0)))


def _mish(call: Call) -> str:
    """paddle.nn.functional.mish."""
    return call.emit("Mul", call[0], call.emit("Tanh", call.emit("Softplus", call.floats(0))))


def _hardsigmoid(call: Call) -> str:
    """paddle.nn.functional.hardsigmoid."""
    return call.emit("HardSigmoid", call[0], alpha=float(call.number("slope")), beta=float(call.number("offset")))


def _hardswish(call: Call) -> str:
    """paddle.nn.functional.hardswish."""
    # Older programs say so themselves.
    call.only("offset", 3.0)
    call.only("scale", 6.0)
    call.only("threshold", 6.0)
    return call.emit("HardSwish", call.floats(0))


def _hardtanh(call: Call) -> str:
    """paddle.nn.functional.hardtanh."""
    return call.emit("Clip", call[0], call.scalar(call.number("t_min")), call.scalar(call.number("t_max")))


def _softplus(call: Call) -> str:
    """paddle.nn.functional.softplus."""
    beta, x = call.number("beta"), call.floats(0)
    scaled = x if beta == 1 else call.emit("Mul", x, call.scalar(beta))
    soft = call.emit("Softplus", scaled)
    soft = soft if beta == 1 else call.emit("Div", soft, call.scalar(beta))
    return call.emit("Where", call.emit("Greater", scaled, call.scalar(call.number("threshold"))), x, soft)


def _softsign(call: Call) -> str:
    """paddle.nn.functional.softsign."""
    return call.emit("Softsign", call.floats(0))


def _logsigmoid(call: Call) -> str:
    """paddle.nn.functional.log_sigmoid."""
    return call.emit("Neg", call.emit("Softplus", call.emit("Neg", call.floats(0))))


def _tanh_shrink(call: Call) -> str:
    """paddle.nn.functional.tanhshrink."""
    return call.emit("Sub", call[0], call.emit("Tanh", call.floats(0)))


def _hardshrink(call: Call) -> str:
    """paddle.nn.functional.hardshrink."""
    far = call.emit("Greater", call.emit("Abs", call[0]), call.scalar(call.number("threshold")))
    return call.emit("Where", far, call[0], call.scalar(0))


def _softshrink(call: Call) -> str:
    """paddle.nn.functional.softshrink."""
    beyond = call.emit("Sub", call.emit("Abs", call[0]), call.scalar(call.number("threshold")))
    return call.emit("Mul", call.emit("Sign", call[0]), call.emit("Max", beyond, call.scalar(0)))


def _thresholded_relu(call: Call) -> str:
    """paddle.nn.functional.thresholded_relu."""
    above = compared(call, "Greater", call.number("threshold"))
    return call.emit("Where", above, call[0], call.scalar(call.number("value")))


def _softmax(call: Call) -> str:
    """paddle.nn.functional.softmax."""
    return call.emit("Softmax", call.floats(0), axis=call.axis(call.whole("axis"), call.rank(0)))


def _log_softmax(call: Call) -> str:
    """paddle.nn.functional.log_softmax."""
    return call.emit("LogSoftmax", call.floats(0), axis=call.axis(call.whole("axis"), call.rank(0)))


def _maxout(call: Call) -> str:
    """paddle.nn.functional.maxout."""
    rank, groups = call.rank(0), call.whole("groups")
    axis = call.axis(call.whole("axis"), rank)
    before, behind = call.shape(call[0], 0, axis), call.shape(call[0], axis + 1, rank)
    shape = call.emit("Concat", before, [-1, groups], behind, axis=0)
    return call.emit("ReduceMax", call.emit("Reshape", call[0], shape), axes=[axis + 1], keepdims=0)


RULES: dict[str, Rule] = {
    "relu": _relu,
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "rrelu": _rrelu,
    "prelu": _prelu,
    "elu": _elu,
    "selu": _selu,
    "celu": _celu,
    "gelu": _gelu,
    "silu": _silu,
    "swish": _silu,
    "mish": _mish,
    "hardsigmoid": _hardsigmoid,
    "hardswish": _hardswish,
    "hardtanh": _hardtanh,
    "softplus": _softplus,
    "softsign": _softsign,
    "logsigmoid": _logsigmoid,
    "tanh_shrink": _tanh_shrink,
    "hardshrink": _hardshrink,
    "softshrink": _softshrink,
    "thresholded_relu": _thresholded_relu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "maxout": _maxout,
}

"""Normalisation."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.rules.layout import channels_first


def _batch_norm(call: Call) -> str:
    """paddle.nn.functional.batch_norm, when nothing is trained."""
    call.only("trainable_statistics", False)
    if not (call.flag("is_test") or call.flag("use_global_stats")):
        raise call.refuse(Message("{name} is {value!r}", name="is_test", value=False))
    # paddle gives mean and variance first.
    mean, variance = call[1], call[2]
    sides = call.type(1).shape
    scale = call[3] if call.given(3) else call.builder.constant(np.ones(sides, np.float32))
    bias = call[4] if call.given(4) else call.builder.constant(np.zeros(sides, np.float32))
    epsilon = float(call.number("epsilon"))
    return channels_first(
        call, lambda x: call.emit("BatchNormalization", x, scale, bias, mean, variance, epsilon=epsilon)
    )


def _layer_norm(call: Call) -> str:
    """paddle.nn.functional.layer_norm."""
    rank, kind = call.rank(0), call.type(0)
    begin = call.axis(call.whole("begin_norm_axis"), rank)
    sides = list(kind.shape[begin:])
    if any(side < 0 for side in sides):
        raise call.refuse(Message("its {what} is known only when the program runs", what="normalized_shape"))
    if call.given(1):
        scale = call.emit("Reshape", call[1], sides) if len(sides) > 1 else call[1]
    else:
        scale = call.builder.constant(np.ones(sides, kind.dtype))
    inputs = [call[0], scale]
    if call.given(2):
        inputs.append(call.emit("Reshape", call[2], sides) if len(sides) > 1 else call[2])
    return call.emit("LayerNormalization", *inputs, axis=begin, epsilon=float(call.number("epsilon")))


RULES: dict[str, Rule] = {"batch_norm_": _batch_norm, "batch_norm": _batch_norm, "layer_norm": _layer_norm}

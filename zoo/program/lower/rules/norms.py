"""Normalisation."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import channels_first


def _batch_norm(call: Call) -> str:
    """paddle.nn.functional.batch_norm, when nothing is trained."""
    call.only("trainable_statistics", False)
    if not (call.flag("is_test") or call.flag("use_global_stats")):
        raise call.refuse(Message("{name} is {value!r}", name="is_test", value=False))
    # paddle gives mean and variance first.
    mean, variance, kind = call[1], call[2], call.type(1)
    scale = call[3] if call.given(3) else call.builder.constant(np.ones(kind.shape, kind.dtype))
    bias = call[4] if call.given(4) else call.builder.constant(np.zeros(kind.shape, kind.dtype))
    epsilon = float(call.number("epsilon"))
    return channels_first(
        call, lambda x: call.emit("BatchNormalization", x, scale, bias, mean, variance, epsilon=epsilon)
    )


def _layer_norm(call: Call) -> str:
    """paddle.nn.functional.layer_norm."""
    rank, kind = call.rank(0), call.type(0)
    begin, epsilon = call.axis(call.whole("begin_norm_axis"), rank), float(call.number("epsilon"))
    if begin == rank - 1 and call.given(1):
        return call.emit("LayerNormalization", *_given(call), axis=begin, epsilon=epsilon)
    sides = list(kind.shape[begin:])
    if any(side < 0 for side in sides):
        raise call.refuse(Message("its {what} is known only when the program runs", what="normalized_shape"))
    scale = call.emit("Reshape", call[1], sides) if call.given(1) else call.array(np.ones(sides), kind.dtype)
    bias = [call.emit("Reshape", call[2], sides)] if call.given(2) else []
    return call.emit("LayerNormalization", call[0], scale, *bias, axis=begin, epsilon=epsilon)


def _given(call: Call) -> list[str]:
    return [call[index] for index in range(3) if call.given(index)]


def _instance_norm(call: Call) -> str:
    """paddle.nn.functional.instance_norm."""
    return _instances(call, call[0], _channels(call), 1)


def _instances(call: Call, x: str, channels: int, first: int) -> str:
    dtype = call.type(0).dtype
    scale = call[first] if call.given(first) else call.builder.constant(call.array(np.ones(channels), dtype))
    bias = call[first + 1] if call.given(first + 1) else call.builder.constant(call.array(np.zeros(channels), dtype))
    return call.emit("InstanceNormalization", x, scale, bias, epsilon=float(call.number("epsilon")))


def _group_norm(call: Call) -> str:
    """paddle.nn.functional.group_norm."""
    groups, rank, dtype = call.whole("groups"), call.rank(0), call.type(0).dtype
    if not 1 <= groups <= 1 << 16:
        raise call.refuse(Message("{name} is {value!r}", name="groups", value=groups))
    one, none = call.array(np.ones(groups), dtype), call.array(np.zeros(groups), dtype)

    def make(x: str) -> str:
        # Each group is normalised as an instance is.
        flat = call.emit("Reshape", x, [0, groups, -1])
        made = call.emit("InstanceNormalization", flat, one, none, epsilon=float(call.number("epsilon")))
        made = call.emit("Reshape", made, call.shape(x, 0, rank))
        for index, operator in ((1, "Mul"), (2, "Add")):
            if call.given(index):
                made = call.emit(operator, made, call.emit("Reshape", call[index], [-1] + [1] * (rank - 2)))
        return made

    return channels_first(call, make)


def _channels(call: Call) -> int:
    channels = call.type(0).shape[1] if call.rank(0) > 1 else -1
    if channels < 0:
        raise call.refuse(Message("its {what} is known only when the program runs", what="channels"))
    return channels


RULES: dict[str, Rule] = {
    "batch_norm_": _batch_norm,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
}

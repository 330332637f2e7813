"""Blocks of pixels to channels and back."""

from __future__ import annotations

import numpy as np

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import channels_first, is_channels_last


def _pixel_shuffle(call: Call) -> str:
    """paddle.nn.functional.pixel_shuffle."""
    factor = call.whole("upscale_factor")
    return channels_first(call, lambda x: call.emit("DepthToSpace", x, blocksize=factor, mode="CRD"))


def _pixel_unshuffle(call: Call) -> str:
    """paddle.nn.functional.pixel_unshuffle."""
    channels, factor = _channels(call), call.whole("downscale_factor")
    if not 1 <= factor <= 64:
        raise call.refuse(Message("{name} is {value!r}", name="downscale_factor", value=factor))
    # ONNX has the places within a block before the channels.
    order = np.arange(factor * factor * channels).reshape(factor * factor, channels).T.ravel()
    return channels_first(
        call, lambda x: call.emit("Gather", call.emit("SpaceToDepth", x, blocksize=factor), order, axis=1)
    )


def _channel_shuffle(call: Call) -> str:
    """paddle.nn.functional.channel_shuffle."""
    channels, groups = _channels(call), call.whole("groups")
    if groups < 1 or channels % groups:
        raise call.refuse(Message("{name} is {value!r}", name="groups", value=groups))
    order = np.arange(channels).reshape(groups, -1).T.ravel()
    return channels_first(call, lambda x: call.emit("Gather", x, order, axis=1))


def _unfold(call: Call) -> str:
    """paddle.nn.functional.unfold."""
    sides, pads, channels = call.wholes("kernel_sizes"), call.wholes("paddings"), _channels(call)
    places = int(np.prod(sides, dtype=np.float64))
    if len(sides) != 2 or len(pads) != 4 or not 1 <= places <= 1024 or channels > 4096:
        raise call.refuse(Message("{name} is {value!r}", name="kernel_sizes", value=sides))
    # A convolution whose kernels each pick one place.
    kernel = np.tile(np.eye(places).reshape(places, 1, *sides), (channels, 1, 1, 1))
    made = call.emit(
        "Conv",
        call[0],
        call.array(kernel, call.type(0).dtype),
        group=channels,
        strides=call.wholes("strides"),
        dilations=call.wholes("dilations"),
        pads=pads,
    )
    return call.emit("Reshape", made, [0, channels * places, -1])


def _channels(call: Call) -> int:
    sides = call.type(0).shape
    last = "data_format" in call.operation.attributes and is_channels_last(call)
    channels = sides[-1 if last else 1] if len(sides) == 4 else -1
    if channels < 0:
        raise call.refuse(Message("its {what} is known only when the program runs", what="channels"))
    return channels


RULES: dict[str, Rule] = {
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "channel_shuffle": _channel_shuffle,
    "unfold": _unfold,
}

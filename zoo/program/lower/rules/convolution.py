"""Convolutions."""

from __future__ import annotations

from typing import Any

from zoo.program.lower.call import Call, Rule
from zoo.program.lower.rules.layout import channels_first, padding


def _conv(call: Call) -> str:
    """paddle.nn.functional.conv2d and conv3d."""
    # paddle takes no notice of the dilation where it finds the padding itself.
    same = call.only("padding_algorithm", "EXPLICIT", "SAME", "VALID") == "SAME"
    dilations = [1] * (call.rank(0) - 2) if same else call.wholes("dilations")
    attributes: dict[str, Any] = {
        "strides": call.wholes("strides"),
        "dilations": dilations,
        "group": call.whole("groups"),
        **padding(call, call.wholes("paddings")),
    }
    return channels_first(call, lambda x: call.emit("Conv", x, call[1], **attributes))


RULES: dict[str, Rule] = {"conv2d": _conv, "depthwise_conv2d": _conv, "conv3d": _conv}

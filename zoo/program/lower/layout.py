"""What convolutions, pools and interpolations share: which axis holds the channels, and padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.message import Message
from zoo.program.lower.call import Call


def is_channels_last(call: Call) -> bool:
    """Whether the program keeps the tensor with its channels behind."""
    layout = call.only("data_format", "NCHW", "NHWC", "NCDHW", "NDHWC", "NCL", "NLC", "NCW", "NWC", "AnyLayout")
    return str(layout)[-1] == "C"


def channels_first(call: Call, make: Callable[[str], str]) -> str:
    """Makes something of the first input, channels first, and gives it the layout of the program."""
    if not is_channels_last(call):
        return make(call[0])
    rank = call.rank(0)
    made = make(call.emit("Transpose", call[0], perm=[0, rank - 1, *range(1, rank - 1)]))
    return call.emit("Transpose", made, perm=[0, *range(2, rank), 1])


def padding(call: Call, pads: list[int]) -> dict[str, Any]:
    """Returns the padding of a convolution or a pool as ONNX has it.

    Args:
        call: The operation.
        pads: As paddle has them: one for each axis, or before and behind for each axis in turn.
    """
    algorithm, axes = call.operation.attributes.get("padding_algorithm", "EXPLICIT"), call.rank(0) - 2
    if algorithm == "SAME":
        return {"auto_pad": "SAME_UPPER"}
    if algorithm == "VALID":
        pads = [0] * axes
    if len(pads) == 2 * axes:
        return {"pads": [*pads[::2], *pads[1::2]]}
    if len(pads) != axes:
        raise call.refuse(Message("{name} is {value!r}", name="paddings", value=pads))
    return {"pads": [*pads, *pads]}

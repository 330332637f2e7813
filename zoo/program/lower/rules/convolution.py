"""Convolutions, forwards and transposed."""

from __future__ import annotations

from typing import Any

from zoo.message import Message
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import channels_first, padding


def _conv(call: Call) -> str:
    """paddle.nn.functional.conv1d, conv2d and conv3d."""
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


def _conv_transpose(call: Call) -> str:
    """paddle.nn.functional.conv1d_transpose, conv2d_transpose and conv3d_transpose."""
    # Padding that depends on the size of the input has no equivalent.
    call.only("padding_algorithm", "EXPLICIT", "VALID")
    strides, more = call.wholes("strides"), call.wholes("output_padding")
    attributes: dict[str, Any] = {
        "strides": strides,
        "dilations": call.wholes("dilations"),
        "group": call.whole("groups"),
    }
    pads = padding(call, call.wholes("paddings"))["pads"]
    sized = call.operation.name != "conv3d_transpose" and call.given(2) and call.known(2) is None
    sizes = call.wholes("output_size") if "output_size" in call.operation.attributes else []
    if not sized and call.given(2):
        sizes = call.numbers(2, "output_size")
    if not sized and not sizes:
        extra = {"output_padding": more} if any(more) else {}
        return channels_first(call, lambda x: call.emit("ConvTranspose", x, call[1], pads=pads, **attributes, **extra))
    if any(more):
        raise call.refuse(Message("{name} is {value!r}", name="output_padding", value=more))
    # The size is one of `stride` that lead to the same input: the part of the whole result that padding leaves, longer
    # by what is wanted behind.
    axes = list(range(2, call.rank(0)))
    before, longest = pads[: len(axes)], [stride - 1 for stride in strides]
    extra = {"output_padding": longest} if any(longest) else {}
    wanted = call.sizes(2) if sized else sizes

    def make(x: str) -> str:
        whole = call.emit("ConvTranspose", x, call[1], **attributes, **extra)
        return call.emit("Slice", whole, before, call.emit("Add", wanted, before), axes)

    return channels_first(call, make)


RULES: dict[str, Rule] = {
    "conv2d": _conv,
    "depthwise_conv2d": _conv,
    "conv3d": _conv,
    "conv2d_transpose": _conv_transpose,
    "depthwise_conv2d_transpose": _conv_transpose,
    "conv3d_transpose": _conv_transpose,
}

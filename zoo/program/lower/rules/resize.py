"""Interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.message import Message
from zoo.program.lower.builder import Operand
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.layout import channels_first

_METHODS = {"bilinear": "linear", "linear": "linear", "trilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}


def _interpolate(call: Call) -> str:
    """paddle.nn.functional.interpolate and upsample."""
    attributes = _places(call)
    sizes, scales = _target(call)
    if attributes["mode"] == "cubic" and not call.flag("align_corners") and isinstance(sizes, list) and 1 in sizes:
        # paddle looks half a pixel before the first one then.
        raise call.refuse(Message("{name} is {value!r}", name="size", value=sizes))

    def make(x: str) -> str:
        if scales is not None:
            return call.emit("Resize", x, "", np.array([1, 1, *scales], np.float32), **attributes)
        shape = call.shape(x, 0, 2)
        return call.emit("Resize", x, "", "", call.emit("Concat", shape, _operand(sizes), axis=0), **attributes)

    return channels_first(call, make)


def _places(call: Call) -> dict[str, Any]:
    """Returns which points of the input a point of the output is made of."""
    mode = _METHODS[str(call.only("interp_method", *_METHODS))]
    corners = call.flag("align_corners")
    if mode == "nearest":
        place = "align_corners" if corners else "asymmetric"
        rounding = "round_prefer_ceil" if corners else "floor"
        return {"mode": mode, "coordinate_transformation_mode": place, "nearest_mode": rounding}
    # Of a target of one pixel paddle makes the first one of the input, not the middle.
    place = "align_corners" if corners else "pytorch_half_pixel"
    if mode == "cubic":
        return {"mode": mode, "coordinate_transformation_mode": place, "cubic_coeff_a": -0.75}
    if not corners and call.only("align_mode", 0, 1) == 1:
        place = "asymmetric"
    return {"mode": mode, "coordinate_transformation_mode": place}


def _target(call: Call) -> tuple[Operand | None, list[float] | None]:
    """Returns the sizes of the output, or by how much each side grows; paddle takes the first that is given."""
    axes = call.rank(0) - 2
    if call.given(2):  # one number for each axis
        return call.sizes(2), None
    if call.given(1):
        return call.sizes(1), None
    scales = [float(item) for item in call.attribute("scale") or ()]
    if call.given(3):
        array = call.known(3)
        if array is None:
            raise call.refuse(Message("its {what} is known only when the program runs", what="scale"))
        scales = [float(item) for item in np.ravel(array)]
    if scales:
        scales = scales * axes if len(scales) == 1 else scales
        if len(scales) != axes or min(scales) <= 0:
            raise call.refuse(Message("{name} is {value!r}", name="scale", value=scales))
        return None, scales
    sizes = [call.whole(name) for name in ("out_d", "out_h", "out_w")[-axes:]]
    if min(sizes) <= 0:
        raise call.refuse(Message("{name} is {value!r}", name="size", value=sizes))
    return sizes, None


def _operand(sizes: Operand | None) -> Operand:
    assert sizes is not None
    return sizes


RULES: dict[str, Rule] = dict.fromkeys(
    ("bilinear_interp", "nearest_interp", "bicubic_interp", "linear_interp", "trilinear_interp"), _interpolate
)

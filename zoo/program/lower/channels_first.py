"""Rules that keep tensors channels first where the program has them channels last, (N, H, W, C).

With a height and width known only when the program runs, OpenVINO copies at every transposition. Here one is only
noted (`Builder.first`), and carried out where an operation has no rule here. Each rule says whether it applied.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.program.lower.builder import Value
from zoo.program.lower.call import Call
from zoo.program.lower.operations import OPERATIONS

_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


class _Noted(Call):
    """An operation whose first input is taken as it is noted."""

    def _value(self, index: int) -> Value:
        return self.builder.first[self.source(index)] if index == 0 else super()._value(index)


def keep_first(call: Call) -> bool:
    """Translates an operation with its tensors channels first, where there is a rule and it applies.

    Returns:
        False where the usual rule must do it.
    """
    rule = _RULES.get(call.operation.name)
    return rule is not None and bool(call.operation.inputs) and rule(call)


def _first(call: Call, index: int) -> str | None:
    name = call.builder.first.get(call.source(index))
    return name if isinstance(name, str) else None


def _note(call: Call, made: Value) -> bool:
    call.builder.first[call.operation.outputs[0]] = made
    return True


def _transpose(call: Call) -> bool:
    noted, perm = _first(call, 0), call.wholes("perm")
    if perm == _LAST and noted is None:
        return _note(call, call[0])
    if perm == _FIRST and noted is not None:
        call.builder.values[call.operation.outputs[0]] = noted
        return True
    return False


def _matmul(call: Call) -> bool:
    noted = _first(call, 0)
    weight = None if noted is None or _first(call, 1) is not None else call.known(1)
    if noted is None or weight is None or weight.ndim != 2 or call.flag("transpose_x") or call.flag("transpose_y"):
        return False
    # A linear map over the channels is a convolution of one pixel.
    kernel = np.ascontiguousarray(weight.T)[:, :, None, None]
    return _note(call, call.emit("Conv", noted, kernel))


def _add(call: Call) -> bool:
    for index, other in ((0, 1), (1, 0)):
        noted, second = _first(call, index), _first(call, other)
        if noted is None:
            continue
        if second is None:
            array = call.known(other)
            if array is not None and array.ndim == 1:
                second = call.builder.constant(array.reshape(1, -1, 1, 1))
            elif array is None and call.rank(other) == 4:
                second = call.emit("Transpose", call[other], perm=_FIRST)
                call.builder.first[call.source(other)] = second
        if second is not None:
            return _note(call, call.emit("Add", noted, second))
    return False


def _elementwise(call: Call) -> bool:
    if _first(call, 0) is None:
        return False
    made = OPERATIONS[call.operation.name](_Noted(call.builder, call.operation))
    assert isinstance(made, str)
    return _note(call, made)


def _layer_norm(call: Call) -> bool:
    noted = _first(call, 0)
    scale, bias = (call.known(index) if call.given(index) else None for index in (1, 2))
    if noted is None or scale is None or bias is None or call.whole("begin_norm_axis") != 3:
        return False
    # There is no operator for it; engines make one of these.
    centred = call.emit("Sub", noted, call.emit("ReduceMean", noted, axes=[1], keepdims=1))
    variance = call.emit("ReduceMean", call.emit("Mul", centred, centred), axes=[1], keepdims=1)
    deviation = call.emit("Sqrt", call.emit("Add", variance, call.scalar(call.number("epsilon"))))
    scaled = call.emit("Mul", call.emit("Div", centred, deviation), scale.reshape(1, -1, 1, 1))
    return _note(call, call.emit("Add", scaled, bias.reshape(1, -1, 1, 1)))


def _split_with_num(call: Call) -> bool:
    noted = _first(call, 0)
    if noted is None or call.numbers(1, "axis") not in ([3], [-1]):
        return False
    made = call.emit_many("Split", call.whole("num"), noted, axis=1)
    return _note(call, made)


def _split(call: Call) -> bool:
    parts = call.builder.first.get(call.source(0))
    if not isinstance(parts, tuple):
        return False
    call.builder.first.update(zip(call.operation.outputs, parts, strict=False))
    return True


_RULES: dict[str, Callable[[Call], bool]] = {
    "transpose": _transpose,
    "matmul": _matmul,
    "add": _add,
    "layer_norm": _layer_norm,
    "split_with_num": _split_with_num,
    "builtin.split": _split,
    **dict.fromkeys(("relu", "relu6", "gelu", "sigmoid", "hardswish", "scale", "dropout", "share_data_"), _elementwise),
}

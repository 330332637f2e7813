"""Products of matrices."""

from __future__ import annotations

from zoo.message import Message
from zoo.program.lower.call import Call, Rule


def _matmul(call: Call) -> str:
    """paddle.matmul."""
    left, right = call.floats(0), call.floats(1)
    if call.flag("transpose_x") and call.rank(0) > 1:
        left = _swapped(call, left, call.rank(0))
    if call.flag("transpose_y") and call.rank(1) > 1:
        right = _swapped(call, right, call.rank(1))
    return call.emit("MatMul", left, right)


def _swapped(call: Call, name: str, rank: int) -> str:
    return call.emit("Transpose", name, perm=[*range(rank - 2), rank - 1, rank - 2])


def _bmm(call: Call) -> str:
    """paddle.bmm."""
    return call.emit("MatMul", call.floats(0), call.floats(1))


def _dot(call: Call) -> str:
    """paddle.dot."""
    return call.emit("ReduceSum", call.emit("Mul", call.floats(0), call[1]), [-1], keepdims=0)


def _addmm(call: Call) -> str:
    """paddle.addmm."""
    product, added = call.emit("MatMul", call.floats(1), call[2]), call[0]
    alpha, beta = call.number("alpha"), call.number("beta")
    product = product if alpha == 1 else call.emit("Mul", product, call.scalar(alpha))
    return call.emit("Add", added if beta == 1 else call.emit("Mul", added, call.scalar(beta)), product)


def _einsum(call: Call) -> str:
    """paddle.einsum."""
    equation = call.attribute("equation")
    if not isinstance(equation, str) or not set(equation) <= set(_LETTERS):
        raise call.refuse(Message("{name} is {value!r}", name="equation", value=equation))
    return call.emit("Einsum", *call.items(0), equation=equation)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,->. "
RULES: dict[str, Rule] = {"matmul": _matmul, "bmm": _bmm, "dot": _dot, "addmm": _addmm, "einsum": _einsum}

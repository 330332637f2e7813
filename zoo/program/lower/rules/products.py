"""Products of matrices."""

from __future__ import annotations

from zoo.program.lower.call import Call, Rule


def _matmul(call: Call) -> str:
    """paddle.matmul."""
    left, right = call[0], call[1]
    if call.flag("transpose_x") and call.rank(0) > 1:
        left = _swapped(call, left, call.rank(0))
    if call.flag("transpose_y") and call.rank(1) > 1:
        right = _swapped(call, right, call.rank(1))
    return call.emit("MatMul", left, right)


def _swapped(call: Call, name: str, rank: int) -> str:
    return call.emit("Transpose", name, perm=[*range(rank - 2), rank - 1, rank - 2])


RULES: dict[str, Rule] = {"matmul": _matmul}

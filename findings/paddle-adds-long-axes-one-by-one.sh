#!/usr/bin/env bash
# paddlepaddle 3.2.2 on a CPU (3.3.1 too): a float32 sum along one long axis is off by a percent, and `mean()` by a thousandth.
#
# Expected: `x.sum(axis)` and `x.mean()` of a million equal numbers are right to about 1e-6 of the result, as numpy's are and
#           as `x.sum()` without an axis is.
# Seen:     one value after the other is added into one float32, so that small terms are lost: the sum of a row of a million
#           times 0.1 is 100958 in place of 100000, `mean()` of the same numbers 0.09991 in place of 0.1. `sum()` without
#           an axis is right, and so are two sums over axes of a thousand each.
# So:       of the pixels of a picture (Dice, Lovasz, pooled statistics) take sums in two steps, over columns and then over
#           rows, or in float64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -q "paddlepaddle==3.2.2" "numpy<3" setuptools || exit 2
cd "$folder"
cat > sums.py <<'PYTHON'
import sys

import numpy as np
import paddle

paddle.set_device("cpu")
square = paddle.full([1000, 1000], 0.1)
row = square.reshape([1, -1])
right = 1_000_000 * float(np.float32(0.1))
print("paddlepaddle", paddle.__version__)
found = {
    "numpy, sum": float(row.numpy().sum(1)[0]),
    "sum()": float(square.sum()),
    "sum of columns, then of rows": float(square.sum(1).sum()),
    "sum of a row": float(row.sum(1)[0]),
    "mean(), times the number": float(square.mean()) * 1_000_000,
}
off = {name: abs(value / right - 1) for name, value in found.items()}
for name, value in found.items():
    print(f"{name:<30}{value:>14.2f}   off by {off[name]:.1e}")
good = ("numpy, sum", "sum()", "sum of columns, then of rows")
as_stated = all(off[name] < 2e-5 for name in good) and off["sum of a row"] > 5e-3 and off["mean(), times the number"] > 5e-4
print("as stated" if as_stated else "not as stated")
sys.exit(0 if as_stated else 1)
PYTHON
timeout 120 "$folder/venv/bin/python" -W ignore sums.py

"""Training in bfloat16, where the device computes in it: weights, losses and the optimizer stay in float32.

bfloat16 has the range of float32, so no loss is scaled and nothing of it is part of a checkpoint.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager

import paddle
from paddle.nn import functional as F


def mixed(amp: bool) -> AbstractContextManager[None]:
    """Returns a context in which a network computes in bfloat16, or as ever."""
    return paddle.amp.auto_cast(enable=amp, dtype="bfloat16")


def computes_mixed() -> bool:
    """Says whether `mixed` makes a difference on the device of this process.

    It is tried: paddle calls bfloat16 supported on the processor, and computes in float32 there (3.2.2).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mixed(True):
            return F.conv2d(paddle.ones([1, 1, 4, 4]), paddle.ones([1, 1, 3, 3])).dtype == paddle.bfloat16

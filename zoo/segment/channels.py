"""The channels of what a program returned: one for every class, also where the program has one for two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle


def class_values(output: NDArray[Any], bundle: Bundle) -> NDArray[Any]:
    """Returns what a program returned for a batch with a channel for every class.

    The one channel of a program of two classes, a logit or a probability of the second, becomes two whose softmax, or
    whose values, are the probabilities of both. Where neither the settings nor the program say which it is, it stays as
    it is, to be refused.

    Args:
        output: (N, C, h, w) logits or scores; anything else is returned as it is.
        bundle: Whose program it was.
    """
    if output.ndim != 4 or output.dtype.kind != "f":
        return output
    if output.shape[1] == 1:
        if bundle.output == "logits" or bundle.one_channel == "logit":
            output = np.concatenate([np.zeros_like(output), output], axis=1)
        elif bundle.one_channel == "probability":
            output = np.concatenate([1 - output, output], axis=1)
    return output

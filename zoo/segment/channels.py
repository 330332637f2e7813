"""The channels of what a program returned, held against the classes its settings name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.bundle.foreign import unnamed_labels
from zoo.errors import BundleError


def class_values(output: NDArray[Any], bundle: Bundle) -> NDArray[Any]:
    """Returns what a program returned for a batch with a channel for every class.

    The one channel of a program of two classes, a logit or a probability of the second, becomes two whose softmax, or
    whose values, are the probabilities of both. Where the settings do not say which it is, values from 0 to 1 are
    probabilities; others stay as they are, to be refused.

    Args:
        output: (N, C, h, w) logits or scores; anything else is returned as it is.
        bundle: Whose program it was.

    Raises:
        BundleError: There are not as many channels as classes with a name.
    """
    if output.ndim != 4 or output.dtype.kind != "f":
        return output
    if output.shape[1] == 1:
        if bundle.output == "logits":
            output = np.concatenate([np.zeros_like(output), output], axis=1)
        elif bundle.output == "unstated" and output.min(initial=0) >= 0 and output.max(initial=0) <= 1:
            output = np.concatenate([1 - output, output], axis=1)
    channels, classes = output.shape[1], len(bundle.labels)
    if channels not in (1, classes) and bundle.labels != unnamed_labels():
        raise BundleError(
            "The program of {model} returns {channels} channels, but its settings name {classes} classes.",
            "Correct the classes in {folder}, or export the model again.",
            model=bundle.model,
            channels=channels,
            classes=classes,
            folder=bundle.folder,
        )
    return output

"""How good a network is in the middle of a run: its label maps at the size of the pictures. Imports paddle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn
from paddle.nn import functional as F

from zoo.contract.spec import Step, ValueRange
from zoo.learn.data import Sample
from zoo.learn.evaluation import Confusion
from zoo.segment.transforms import preprocess


def validate(
    network: nn.Layer,
    samples: Sequence[Sample],
    steps: Sequence[Step],
    classes: int,
    ignore_index: int,
    value_range: ValueRange,
    seen: Callable[[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]], object],
) -> Confusion:
    """Counts the pixels that a network gets right, picture by picture, each whole.

    Args:
        network: It is left in the mode it was in.
        samples: Labelled pictures.
        steps: The preprocessing of the model.
        classes: Number of classes.
        ignore_index: Mask value that does not count.
        value_range: As for `Model.predict`.
        seen: Receives each picture, its mask and its label map.
    """
    training = network.training
    network.eval()
    confusion = Confusion.empty(classes)
    try:
        for sample in samples:
            image, mask = sample.load(value_range)
            batch, geometry = preprocess(image, steps)
            with paddle.no_grad():
                logits = network(paddle.to_tensor(batch[np.newaxis]))[0]
                upsampled = F.interpolate(logits, size=geometry.padded, mode="bilinear")
                height, width = geometry.resized
                kept = upsampled[:, :, :height, :width]
                if geometry.resized != geometry.source:
                    kept = F.interpolate(kept, size=geometry.source, mode="bilinear")
                found = kept.argmax(1).numpy()[0]
            confusion = confusion.add(mask, found, ignore_index)
            seen(image, mask, found)
    finally:
        if training:
            network.train()
    return confusion

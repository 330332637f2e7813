"""How good a network is in the middle of a run: its label maps at the size of the pictures. Imports paddle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.contract.spec import Step, ValueRange
from zoo.learn.data import Sample
from zoo.learn.evaluation import Confusion
from zoo.learn.run.configuration import Configuration
from zoo.learn.run.data import RunData
from zoo.learn.run.run_figures import SHOWN, Compared
from zoo.learn.training import Checkpoint
from zoo.predict.model import Model
from zoo.segment.scores import mean_score
from zoo.segment.transforms import preprocess


def validate(
    network: nn.Layer,
    samples: Sequence[Sample],
    steps: Sequence[Step],
    classes: int,
    ignore_index: int,
    value_range: ValueRange,
    seen: Callable[[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer], float], object],
) -> Confusion:
    """Counts the pixels that a network gets right, picture by picture, each whole.

    Args:
        network: It is left in the mode it was in.
        samples: Labelled pictures.
        steps: The preprocessing of the model.
        classes: Number of classes.
        ignore_index: Mask value that does not count.
        value_range: As for `Model.predict`.
        seen: Receives each picture, its mask, its label map and its mean score.
    """
    training = network.training
    network.eval()
    confusion = Confusion.empty(classes)
    try:
        for sample in samples:
            image, mask = sample.load(value_range)
            logits, score = logits_of(network, image, steps)
            found = logits.argmax(0).numpy()
            confusion = confusion.add(mask, found, ignore_index)
            seen(image, mask, found, score)
    finally:
        if training:
            network.train()
    return confusion


def validate_average(
    network: nn.Layer, checkpoint: Checkpoint, data: RunData, steps: tuple[Step, ...], configuration: Configuration
) -> tuple[Confusion, list[Compared], list[float]]:
    """Evaluates the moving average of a checkpoint, and gives the network its own weights back.

    Args:
        network: It is left as it was.
        checkpoint: Its weights and their average.
        data: Its validation pictures are used.
        steps: The preprocessing of the model.
        configuration: That of the run.

    Returns:
        The counts, some label maps, and the mean score of every picture.
    """
    compared: list[Compared] = []
    scores: list[float] = []

    def keep(*one: Any) -> None:
        *shown, score = one
        scores.append(score)
        if len(compared) < SHOWN:
            compared.append((shown[0], shown[1], shown[2]))

    def give(arrays: Any) -> None:
        network.set_state_dict({name: paddle.to_tensor(value) for name, value in arrays.items()})

    give(checkpoint.average)
    try:
        ignored = data.labels.ignore_index
        value_range = configuration["value_range"]
        return validate(network, data.val, steps, len(data.labels), ignored, value_range, keep), compared, scores
    finally:
        give(checkpoint.model)


def logits_of(network: nn.Layer, image: NDArray[np.uint8], steps: Sequence[Step]) -> tuple[Tensor, float]:
    """Returns what a network makes of a picture.

    Args:
        network: In the mode of inference.
        image: (H, W, 3) RGB uint8.
        steps: The preprocessing of the model.

    Returns:
        Logits (classes, H, W), and the mean score; see `zoo.segment.scores.mean_score`.
    """
    batch, geometry = preprocess(image, steps)
    with paddle.no_grad():
        logits = network(paddle.to_tensor(batch[np.newaxis]))[0]
        score = mean_score(logits[0].numpy(), geometry.reach(tuple(logits.shape[2:])))
        upsampled = F.interpolate(logits, size=geometry.padded, mode="bilinear")
        height, width = geometry.resized
        kept = upsampled[:, :, :height, :width]
        if geometry.resized != geometry.source:
            kept = F.interpolate(kept, size=geometry.source, mode="bilinear")
    return kept[0], score


@dataclass(frozen=True, slots=True)
class Delivered:
    """The masks that an export gives, beside what its network makes of the same pictures.

    Attributes:
        confusion: Counts of the masks.
        scores: The network's mean score of every picture.
        agreement: Share of their pixels with the class that the network gives them.
        differs_most: The picture where this share is the smallest, and the share.
    """

    confusion: Confusion
    scores: tuple[float, ...]
    agreement: float
    differs_most: tuple[Path, float]


def validate_delivered(
    network: nn.Layer, model: Model, samples: Sequence[Sample], steps: Sequence[Step], value_range: ValueRange
) -> Delivered:
    """Predicts pictures as a user would, and holds the masks against the network and the true ones.

    Args:
        network: What was exported.
        model: The export, opened.
        samples: Labelled pictures, at least one.
        steps: As of `validate`.
        value_range: As of `validate`.
    """
    training = network.training
    network.eval()
    labels = model.bundle.labels
    confusion, scores, shares, pixels = Confusion.empty(len(labels)), list[float](), list[float](), list[int]()
    for sample in samples:
        image, true = sample.load(value_range)
        mask = model.predict(image).one().mask
        logits, score = logits_of(network, image, steps)
        confusion = confusion.add(true, mask, labels.ignore_index)
        scores.append(score)
        shares.append(float((logits.argmax(0).numpy() == mask).mean()))
        pixels.append(mask.size)
    if training:
        network.train()
    least = int(np.argmin(shares))
    agreement = float(np.average(shares, weights=pixels))
    return Delivered(confusion, tuple(scores), agreement, (samples[least].image, shares[least]))

"""Losses on low-resolution logits against masks at the size of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import Tensor
from paddle.nn import functional as F

from zoo.contract.recipe import CrossEntropy, Dice, Loss, Lovasz, OhemCrossEntropy
from zoo.errors import ConfigError


def total_loss(logits: Sequence[Tensor], mask: Tensor, heads: Sequence[Sequence[Loss]], ignore_index: int) -> Tensor:
    """Sums the weighted losses of all heads.

    Args:
        logits: One (N, classes, h, w) float32 a head, at any stride.
        mask: (N, H, W) int64.
        heads: The losses of each, in the same order.
        ignore_index: Mask value that does not count.

    Returns:
        A scalar float32.

    Raises:
        ConfigError: There are losses for more or fewer heads, or a loss has weights for more or fewer classes.
    """
    if len(logits) != len(heads):
        raise ConfigError(
            "The network has {count} heads in training, and there are losses for {losses_count}.",
            "Give one loss a head; several of one head stand in a list of their own: {example}",
            count=len(logits),
            losses_count=len(heads),
            example="losses=[[{kind: ohem}, {kind: dice}]]",
        )
    return paddle.add_n(
        [
            loss.weight * _loss(of_head, mask, loss, ignore_index)
            for of_head, losses in zip(logits, heads, strict=True)
            for loss in losses
        ]
    )


def _loss(logits: Tensor, mask: Tensor, loss: Loss, ignore_index: int) -> Tensor:
    match loss:
        case CrossEntropy():
            return _cross_entropy(logits, mask, loss, ignore_index)
        case OhemCrossEntropy():
            return _ohem(logits, mask, loss, ignore_index)
        case Dice():
            return _dice(*_probabilities(*_same_size(logits, mask, 1), ignore_index), loss.smooth)
        case Lovasz():
            return _lovasz(*_probabilities(*_same_size(logits, mask, loss.stride), ignore_index))


def _cross_entropy(logits: Tensor, mask: Tensor, loss: CrossEntropy, ignore_index: int) -> Tensor:
    logits, mask = _same_size(logits, mask, loss.stride)
    pixels = F.cross_entropy(logits, mask, ignore_index=ignore_index, reduction="none", axis=1).squeeze(1)
    counted = (mask != ignore_index).astype("float32")
    if loss.class_weights:
        if len(loss.class_weights) != logits.shape[1]:
            raise ConfigError(
                "A loss has {count} class weights, and there are {classes} classes.",
                "Give one a class in the order of labels.txt, or `class_weights: auto`.",
                count=len(loss.class_weights),
                classes=logits.shape[1],
            )
        table = paddle.to_tensor(loss.class_weights, dtype="float32")
        inside = paddle.where(mask == ignore_index, paddle.zeros_like(mask), mask)
        counted = counted * table[inside]
        pixels = pixels * counted
    # What is ignored has the loss 0 without a factor: on a device whose plugin has no kernel for it, the gradient of a
    # product with something that needs none fails (paddle 3.2.2). A crop may hold no labelled pixel at all; its loss is
    # zero then, not NaN.
    return pixels.sum() / counted.sum().clip(min=1.0)


def _ohem(logits: Tensor, mask: Tensor, loss: OhemCrossEntropy, ignore_index: int) -> Tensor:
    logits, mask = _same_size(logits, mask, 1)
    pixels = F.cross_entropy(logits, mask, ignore_index=ignore_index, reduction="none", axis=1).flatten()
    counted = (mask != ignore_index).flatten()
    # The cross entropy of a pixel is -log of the probability of its class: hardest first is largest first.
    hardness = paddle.where(counted, pixels.detach(), paddle.full_like(pixels, -1.0))
    kept_at_least = min(loss.min_kept, len(hardness))
    easiest_kept = paddle.minimum(
        paddle.kthvalue(hardness, len(hardness) - kept_at_least + 1)[0], -paddle.log(paddle.to_tensor(loss.threshold))
    )
    kept = paddle.logical_and(counted, hardness >= easiest_kept)
    hard = paddle.where(kept, pixels, paddle.zeros_like(pixels))
    return hard.sum() / kept.astype("float32").sum().clip(min=1.0)


def _probabilities(logits: Tensor, mask: Tensor, ignore_index: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns three (classes, N * H, W): probabilities, 1 where they should be 1, and 1 where a pixel counts."""
    classes, width = logits.shape[1], logits.shape[3]
    probabilities = F.softmax(logits, axis=1).transpose([1, 0, 2, 3]).reshape([classes, -1, width])
    mask = mask.reshape([-1, width])
    # As large as the others: paddle's gradient of a product that is broadcast takes three times as long (3.2.2).
    counted = (mask != ignore_index).astype("float32").expand([classes, -1, -1])
    truth = (paddle.arange(classes).reshape([-1, 1, 1]) == mask).astype("float32") * counted
    return probabilities, truth, counted


def _dice(probabilities: Tensor, truth: Tensor, counted: Tensor, smooth: float) -> Tensor:
    pixels = _sums(truth)
    coefficients = (2 * _sums(probabilities * truth) + smooth) / (_sums(probabilities * counted) + pixels + smooth)
    return _mean_of_present(1 - coefficients, pixels)


def _lovasz(probabilities: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    # The loss is linear in the errors as long as their order stays, and an error in its probability: there is no
    # gradient to bring through a sorting.
    with paddle.no_grad():
        signs = counted - 2 * truth
        errors = paddle.where(counted > 0, truth + signs * probabilities, -paddle.ones_like(counted))
        factors = paddle.zeros_like(errors)
        for number in map(int, np.flatnonzero(_sums(truth).numpy())):
            own = _slopes(errors[number].flatten(), truth[number].flatten())
            factors[number] = own.reshape(errors.shape[1:])
        least, factors = _sums(factors * truth), factors * signs
    return _mean_of_present(least + _sums(factors * probabilities), _sums(truth))


def _sums(values: Tensor) -> Tensor:
    # paddle adds a row up one by one (3.2.2): in one go the sum of a million equal numbers is wrong by 1 %.
    return values.sum(2).sum(1)


def _slopes(errors: Tensor, truth: Tensor) -> Tensor:
    """Returns by how much the Jaccard loss of a class grows with each pixel, taken from the largest error down."""
    order = paddle.argsort(errors, descending=True, stable=True)
    taken = truth[order].astype("int64").cumsum()
    union = taken[-1] + paddle.arange(1, len(taken) + 1) - taken
    # float64: neighbours differ by one pixel of a million.
    loss = 1 - (taken[-1] - taken).astype("float64") / union.clip(min=1).astype("float64")
    steps = paddle.concat([loss[:1], loss[1:] - loss[:-1]]).astype("float32")
    return paddle.scatter(paddle.zeros_like(errors), order, steps)


def _mean_of_present(losses: Tensor, pixels: Tensor) -> Tensor:
    present = (pixels > 0).astype("float32")
    return (losses * present).sum() / present.sum().clip(min=1.0)


def _same_size(logits: Tensor, mask: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    if stride:
        return F.interpolate(logits, size=mask.shape[1:], mode="bilinear", align_corners=False), mask
    small = F.interpolate(mask.unsqueeze(1).astype("float32"), size=logits.shape[2:], mode="nearest")
    return logits, small.squeeze(1).astype("int64")

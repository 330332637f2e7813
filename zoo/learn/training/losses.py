"""Losses on low-resolution logits against masks at the size of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor
from paddle.nn import functional as F

from zoo.contract.recipe import CrossEntropy, OhemCrossEntropy
from zoo.message import Message


def total_loss(
    logits: Sequence[Tensor],
    mask: Tensor,
    losses: Sequence[CrossEntropy | OhemCrossEntropy],
    ignore_index: int,
) -> Tensor:
    """Sums the weighted losses of all heads.

    Args:
        logits: One (N, classes, h, w) float32 a head, at any stride.
        mask: (N, H, W) int64.
        losses: One a head, in the same order.
        ignore_index: Mask value that does not count.

    Returns:
        A scalar float32.

    Raises:
        ValueError: There are not as many losses as heads.
    """
    if len(logits) != len(losses):
        raise ValueError(
            Message(
                "the network has {count} outputs in training but the recipe {losses_count} losses",
                count=len(logits),
                losses_count=len(losses),
            )
        )
    terms = [
        loss.weight
        * (
            _ohem(head, mask, loss, ignore_index)
            if isinstance(loss, OhemCrossEntropy)
            else _cross_entropy(head, mask, loss, ignore_index)
        )
        for head, loss in zip(logits, losses, strict=True)
    ]
    return paddle.add_n(terms)


def _cross_entropy(logits: Tensor, mask: Tensor, loss: CrossEntropy, ignore_index: int) -> Tensor:
    logits, mask = _same_size(logits, mask, loss.stride)
    pixels = F.cross_entropy(logits, mask, ignore_index=ignore_index, reduction="none", axis=1).squeeze(1)
    counted = (mask != ignore_index).astype("float32")
    if loss.class_weights:
        table = paddle.to_tensor(loss.class_weights, dtype="float32")
        inside = paddle.where(mask == ignore_index, paddle.zeros_like(mask), mask)
        counted = counted * table[inside]
    # A crop may hold no labelled pixel at all; its loss is zero then, not NaN.
    return (pixels * counted).sum() / counted.sum().clip(min=1.0)


def _ohem(logits: Tensor, mask: Tensor, loss: OhemCrossEntropy, ignore_index: int) -> Tensor:
    logits, mask = _same_size(logits, mask, 1)
    pixels = F.cross_entropy(logits, mask, ignore_index=ignore_index, reduction="none", axis=1).flatten()
    counted = (mask != ignore_index).flatten()
    # The cross entropy of a pixel is -log of the probability of its class: hardest first is largest first.
    hardness = paddle.where(counted, pixels.detach(), paddle.full_like(pixels, -1.0))
    rank = min(loss.min_kept, hardness.shape[0]) - 1
    easiest_kept = paddle.minimum(
        paddle.sort(hardness, descending=True)[rank], -paddle.log(paddle.to_tensor(loss.threshold))
    )
    kept = paddle.logical_and(counted, hardness >= easiest_kept).astype("float32")
    return (pixels * kept).sum() / kept.sum().clip(min=1.0)


def _same_size(logits: Tensor, mask: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    if stride:
        return F.interpolate(logits, size=mask.shape[1:], mode="bilinear", align_corners=False), mask
    small = F.interpolate(mask.unsqueeze(1).astype("float32"), size=logits.shape[2:], mode="nearest")
    return logits, small.squeeze(1).astype("int64")

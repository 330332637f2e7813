"""Networks of installed families, in their training form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from zoo.errors import ExportError
from zoo.learn.checkpoint import apply_weights, load_checkpoint
from zoo.message import Message
from zoo.registry import find_model
from zoo.registry.code import call_code

if TYPE_CHECKING:
    from paddle import nn


def build_network(
    name: str,
    num_classes: int | None = None,
    in_channels: int = 3,
    weights: str | os.PathLike[str] | Mapping[str, NDArray[Any]] | None = None,
    reset_head: bool = False,
) -> nn.Layer:
    """Builds the network of a model.

    Args:
        name: Name of an installed model.
        num_classes: Number of classes; by default those of its card.
        in_channels: Channels of the input picture.
        weights: A checkpoint file (`.pdparams` or safetensors) or arrays by name; without it the weights are drawn at
            random.
        reset_head: Leave the classifier at its initial weights where the checkpoint has another number of classes.

    Returns:
        A `paddle.nn.Layer` with the names and shapes of the official state dict. Its forward takes (N, C, H, W)
        float32 and returns a list of logits at the network's own stride, the main head first; in training also those
        of auxiliary heads.

    Raises:
        ModelNotFoundError: No installed model has this name.
        BackendNotInstalledError: paddlepaddle is not installed.
        PluginLoadError: Something else that the network needs is not installed, or its code has failed.
        CheckpointError: The weights cannot be read or do not fit.
        ExportError: The family has no network, only exported models.
        ValueError: A number is not positive.
    """
    if (num_classes is not None and num_classes < 1) or in_channels < 1:
        raise ValueError(
            Message(
                "num_classes is {num_classes} and in_channels {in_channels}; positive numbers were expected",
                num_classes=num_classes,
                in_channels=in_channels,
            )
        )
    found = find_model(name)
    if not found.family.network:
        raise ExportError(
            "{model} is brought as an exported model; its plugin {distribution} has no network.",
            "Run: zoo list-models  (the other families have networks)",
            model=found.card.name,
            distribution=found.distribution,
        )
    # Before any work: a checkpoint that cannot be used should not cost the building of a large network.
    arrays = load_checkpoint(weights) if isinstance(weights, (str, os.PathLike)) else weights
    network: nn.Layer = call_code(
        found, found.family.network, found.card.name, num_classes or len(found.card.labels), in_channels
    )
    if arrays is not None:
        source = os.fspath(weights) if isinstance(weights, (str, os.PathLike)) else Message("the given weights")
        apply_weights(network, arrays, reset_head=reset_head, source=source)
    return network

"""The network of the starter: a PP-LiteSeg of half the usual width, with a quarter of the parameters."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def build(name: str, num_classes: int, in_channels: int = 3) -> Any:
    """Builds the network, a `paddle.nn.Layer`, with untrained weights.

    Raises:
        ImportError: zoo-plugin-pp-liteseg, whose layers it is made of, or paddlepaddle is not installed.
    """
    # Predictions run the exported program and need neither.
    family = import_module("zoo_plugin_pp_liteseg.network")
    return family.PPLiteSeg(
        num_classes,
        in_channels,
        blocks=(2, 2, 2),
        fused_channels=(32, 48, 64),
        head_channels=(32, 32, 32),
        width=32,
        context_channels=64,
    )

"""Real small things tests are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from zoo.hub.bundle import Bundle
from zoo.labels import LabelSet


def small_network(num_classes: int = 7) -> Any:
    """A PP-LiteSeg of an eighth of the usual width whose random weights make many classes win somewhere."""
    import paddle

    from zoo_plugin_pp_liteseg.network import PPLiteSeg

    paddle.seed(3)
    return PPLiteSeg(num_classes, 3, (1, 1, 1), (16, 16, 16), (16, 16, 16), width=8, context_channels=16)


def export_small(folder: Path, labels: LabelSet, compat: Literal["zoo", "paddlex"] = "zoo") -> Bundle:
    """Exports the small network."""
    from zoo.export import export_bundle

    return export_bundle(small_network(len(labels)), folder, model="small", labels=labels, compat=compat)

"""SegFormer for zoo."""

from __future__ import annotations

from zoo.plugin import Family, hookimpl
from zoo_plugin_segformer.cards import CARDS


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the family SegFormer."""
    return [
        Family(
            name="segformer",
            title="SegFormer",
            cards=CARDS,
            network="zoo_plugin_segformer.network:build",
            recipe="zoo_plugin_segformer.recipe:recipe",
            api=1,
        )
    ]

"""SeaFormer for zoo."""

from __future__ import annotations

from zoo.plugin import Family, hookimpl
from zoo_plugin_seaformer.cards import CARDS


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the family SeaFormer."""
    return [
        Family(
            name="seaformer",
            title="SeaFormer",
            cards=CARDS,
            network="zoo_plugin_seaformer.network:build",
            recipe="zoo_plugin_seaformer.recipe:recipe",
            api=1,
        )
    ]

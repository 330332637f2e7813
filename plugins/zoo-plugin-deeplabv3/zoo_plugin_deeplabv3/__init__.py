"""DeepLabV3 and DeepLabV3+ for zoo."""

from __future__ import annotations

from zoo.plugin import Family, hookimpl
from zoo_plugin_deeplabv3.cards import CARDS


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the family Deeplabv3."""
    return [
        Family(
            name="deeplabv3",
            title="Deeplabv3",
            cards=CARDS,
            network="zoo_plugin_deeplabv3.network:build",
            recipe="zoo_plugin_deeplabv3.recipe:recipe",
            api=1,
        )
    ]

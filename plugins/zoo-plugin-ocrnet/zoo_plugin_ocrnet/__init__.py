"""OCRNet for zoo."""

from __future__ import annotations

from zoo.plugin import Family, hookimpl
from zoo_plugin_ocrnet.cards import CARDS


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the family OCRNet."""
    return [
        Family(
            name="ocrnet",
            title="OCRNet",
            cards=CARDS,
            network="zoo_plugin_ocrnet.network:build",
            recipe="zoo_plugin_ocrnet.recipe:recipe",
            api=1,
        )
    ]

"""PP-LiteSeg for zoo."""

from __future__ import annotations

from zoo.plugin import Family, hookimpl
from zoo_plugin_pp_liteseg.cards import CARDS


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the family PP-LiteSeg."""
    return [
        Family(
            name="pp-liteseg",
            title="PP-LiteSeg",
            cards=CARDS,
            network="zoo_plugin_pp_liteseg.network:build",
            recipe="zoo_plugin_pp_liteseg.recipe:recipe",
            api=1,
        )
    ]

"""The starter model of zoo: a small street-scene segmenter inside the wheel."""

from collections.abc import Sequence

from zoo.plugin import Family, hookimpl
from zoo_plugin_starter.card import STARTER


@hookimpl
def zoo_families() -> Sequence[Family]:
    """Returns the family; only training needs its network, whose layers zoo-plugin-pp-liteseg has."""
    return [
        Family(
            "starter",
            "Starter",
            (STARTER,),
            network="zoo_plugin_starter.network:build",
            recipe="zoo_plugin_starter.recipe:recipe",
            api=1,
        )
    ]

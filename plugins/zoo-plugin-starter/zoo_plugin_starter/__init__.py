"""The starter model of zoo: a small street-scene segmenter inside the wheel."""

from collections.abc import Sequence

from zoo.plugin import Family, hookimpl
from zoo_plugin_starter.card import STARTER


@hookimpl
def zoo_families() -> Sequence[Family]:
    """Returns the family. Training and its weights need zoo-plugin-pp-liteseg, whose layers the network is made of."""
    return [
        Family(
            "starter",
            "Starter",
            (STARTER,),
            network="zoo_plugin_pp_liteseg.network:build",
            recipe="zoo_plugin_starter.recipe:recipe",
            api=1,
        )
    ]

"""The starter model of zoo: a small street-scene segmenter inside the wheel."""

from collections.abc import Sequence

from zoo.plugin import Family, hookimpl
from zoo_plugin_starter.card import STARTER


@hookimpl
def zoo_families() -> Sequence[Family]:
    """Returns the family; it has no network, the exported model is in the package."""
    return [Family("starter", "Starter", (STARTER,), api=1)]

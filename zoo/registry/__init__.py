"""What there is: installed plugins, the generated catalogue, and the models of both."""

from zoo.registry.discovery import discover, refresh
from zoo.registry.entry import ModelEntry
from zoo.registry.found import Discovery, InstalledModel, Plugin
from zoo.registry.models import Registry, find_model, list_models, registry

__all__ = [
    "Discovery",
    "InstalledModel",
    "ModelEntry",
    "Plugin",
    "Registry",
    "discover",
    "find_model",
    "list_models",
    "refresh",
    "registry",
]

"""The files of models by name: fetched, locked, kept in order, carried to closed networks."""

from zoo.store.find import find_bundle
from zoo.store.model_files import fetch

__all__ = ["fetch", "find_bundle"]

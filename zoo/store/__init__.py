"""The files of models by name: fetched, locked, kept in order, carried to closed networks."""

from zoo.store.find import absolute_name, find_bundle
from zoo.store.model_files import fetch

__all__ = ["absolute_name", "fetch", "find_bundle"]

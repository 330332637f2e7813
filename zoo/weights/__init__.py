"""The files of models by name: fetched, locked, kept in order, carried to closed networks."""

from zoo.weights.fetch import fetch
from zoo.weights.find import find_bundle

__all__ = ["fetch", "find_bundle"]

"""Results: what a prediction found, and how it is drawn, named, converted and written."""

from zoo.registry.formats import format_names
from zoo.results.change import with_min_score, with_palette
from zoo.results.document import decode_mask
from zoo.results.files.saved import find_saved
from zoo.results.predictions import Failure, Predictions
from zoo.results.result import Result

__all__ = ["Failure", "Predictions", "Result", "decode_mask", "find_saved", "with_min_score", "with_palette"]


def __getattr__(name: str) -> object:
    # Plugins are looked for when somebody asks.
    if name == "FORMATS":
        return format_names()
    raise AttributeError(f"module 'zoo.results' has no attribute {name!r}")

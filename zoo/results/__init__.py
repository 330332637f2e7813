"""Results: what a prediction found, and how it is drawn, named, converted and written."""

from zoo.results.change import with_min_score, with_palette
from zoo.results.document import decode_mask
from zoo.results.predictions import Failure, Predictions
from zoo.results.result import Result
from zoo.results.save import FORMATS
from zoo.results.saved import find_saved

__all__ = ["FORMATS", "Failure", "Predictions", "Result", "decode_mask", "find_saved", "with_min_score", "with_palette"]

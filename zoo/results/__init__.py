"""Results: what a prediction found, and how it is drawn, named and written."""

from zoo.results.document import decode_mask
from zoo.results.predictions import Failure, Predictions
from zoo.results.result import Result

__all__ = ["Failure", "Predictions", "Result", "decode_mask"]

"""What a network learns from: labelled pictures, changed at random, in batches that are made ahead in processes."""

from zoo.learn.examples.examples import Batch, Examples
from zoo.learn.examples.loader import batches_ahead

__all__ = ["Batch", "Examples", "batches_ahead"]

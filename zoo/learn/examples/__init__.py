"""What a network learns from: labelled pictures, changed at random, in batches that are made ahead in processes."""

from zoo.learn.examples.examples import Batch, Examples

__all__ = ["Batch", "Examples"]

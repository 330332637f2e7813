"""Labelled pictures on disk, and what their labels mean."""

from zoo.learn.data.labels import find_labels
from zoo.learn.data.samples import Sample, read_list, read_mask

__all__ = ["Sample", "find_labels", "read_list", "read_mask"]

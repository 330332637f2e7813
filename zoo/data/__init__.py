"""Labelled pictures on disk, and what their labels mean."""

from zoo.data.labels import find_labels
from zoo.data.samples import Sample, read_list, read_mask

__all__ = ["Sample", "find_labels", "read_list", "read_mask"]

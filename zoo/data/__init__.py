"""Labelled pictures on disk."""

from zoo.data.samples import Sample, read_list, read_mask

__all__ = ["Sample", "read_list", "read_mask"]

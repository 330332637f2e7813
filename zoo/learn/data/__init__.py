"""Labelled pictures on disk, and what their labels mean."""

from zoo.learn.data.labels import find_labels
from zoo.learn.data.lists import read_list
from zoo.learn.data.masks import read_mask
from zoo.learn.data.samples import Sample
from zoo.learn.data.truth import TruthLabels, read_truth

__all__ = ["Sample", "TruthLabels", "find_labels", "read_list", "read_mask", "read_truth"]

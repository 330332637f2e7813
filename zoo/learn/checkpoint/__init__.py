"""Checkpoints of networks: read without running anything, put into a network strictly by name and shape."""

from zoo.learn.checkpoint.load import load_checkpoint
from zoo.learn.checkpoint.match import Report, apply_weights, compare
from zoo.learn.checkpoint.pickles import read_pickle
from zoo.learn.checkpoint.stand_ins import RandomState

__all__ = ["RandomState", "Report", "apply_weights", "compare", "load_checkpoint", "read_pickle"]

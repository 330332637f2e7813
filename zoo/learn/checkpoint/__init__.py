"""Checkpoints of networks: read without running anything, put into a network strictly by name and shape."""

from zoo.learn.checkpoint.load import load_checkpoint
from zoo.learn.checkpoint.match import MatchReport, apply_weights, match_weights
from zoo.learn.checkpoint.pickles import read_pickle
from zoo.learn.checkpoint.stand_ins import RandomState

__all__ = ["MatchReport", "RandomState", "apply_weights", "load_checkpoint", "match_weights", "read_pickle"]

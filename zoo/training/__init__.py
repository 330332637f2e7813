"""Training on list files. Importing this package imports paddle."""

from zoo.training.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint
from zoo.training.dataset import Sample, read_list
from zoo.training.loop import Progress, train
from zoo.training.metrics import Confusion

__all__ = [
    "Checkpoint",
    "Confusion",
    "Progress",
    "Sample",
    "load_checkpoint",
    "newest_checkpoint",
    "read_list",
    "train",
]

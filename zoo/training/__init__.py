"""Training runs. Importing this package imports paddle."""

from zoo.training.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint
from zoo.training.loop import Progress, train

__all__ = ["Checkpoint", "Progress", "load_checkpoint", "newest_checkpoint", "train"]

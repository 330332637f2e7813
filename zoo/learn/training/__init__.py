"""Training runs. Importing this package imports paddle."""

from zoo.base.host import HOST

with HOST.undisturbed():
    from zoo.learn.training.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint
    from zoo.learn.training.loop import Progress, train

__all__ = ["Checkpoint", "Progress", "load_checkpoint", "newest_checkpoint", "train"]

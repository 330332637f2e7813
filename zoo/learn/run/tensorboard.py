"""The figures of a run for TensorBoard, where somebody wants them there."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from zoo.errors import ConfigError
from zoo.learn.run.run_folder import RunFolder

#: Adds figures by name at an iteration.
Add = Callable[[int, Mapping[str, float]], None]


@contextmanager
def tensorboard(folder: RunFolder, wanted: bool, start: int) -> Generator[Add, None, None]:
    """Opens `tensorboard/` in the folder of a run.

    Args:
        folder: Its folder.
        wanted: Otherwise nothing is opened, and what is added goes nowhere.
        start: Iterations done before; what an interrupted run wrote of later ones is not shown.

    Raises:
        ConfigError: tensorboardX is not installed.
    """
    if not wanted:
        yield lambda iteration, figures: None
        return
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "train.tensorboard needs tensorboardX, which is not installed.",
            "Run: pip install tensorboardX, or leave train.tensorboard out",
        ) from error
    writer = SummaryWriter(str(folder.path / "tensorboard"), purge_step=start + 1)

    def add(iteration: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            if math.isfinite(value):
                writer.add_scalar(name, value, iteration)

    try:
        yield add
    finally:
        writer.close()

"""Which checkpoints of a run are kept: the best one, and the last ones. Imports paddle."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training.checkpoint import Checkpoint, checkpoint_folders


def keep_best(folder: RunFolder, checkpoint: Checkpoint) -> None:
    """Puts a checkpoint in the place of the best one. A kill in between leaves one of the two."""
    made = replace(checkpoint, optimizer={}).save(folder.path / "better")
    old = folder.path / "worse"
    shutil.rmtree(old, ignore_errors=True)
    if folder.best.exists():
        folder.best.rename(old)
    made.rename(folder.best)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(made.parent, ignore_errors=True)


def forget_old(folder: RunFolder, newest: Checkpoint, keep: int) -> None:
    """Removes all but the last ones up to the newest whole checkpoint."""
    damaged = damaged_behind(folder, newest)
    for path in [path for path in checkpoint_folders(folder.path) if path not in damaged][:-keep]:
        shutil.rmtree(path, ignore_errors=True)


def damaged_behind(folder: RunFolder, newest: Checkpoint) -> list[Path]:
    """Returns the checkpoints behind the newest whole one: they are damaged, and nothing to go on from."""
    found = checkpoint_folders(folder.path)
    return [path for path in found if int(path.name.removeprefix("iter_")) > newest.iteration]

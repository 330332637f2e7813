"""The weights that a run begins with: where they come from, that they fit, and that they are the same when it resumes.

WHAT is a file, a run, an export folder with weights for training, `official` for the checkpoint of the model's card, or
the name of a model whose files have weights for training.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from zoo.base.digest import file_sha256
from zoo.base.files import user_path
from zoo.bundle.bundle import read_bundle
from zoo.bundle.settings_file import looks_like_path
from zoo.errors import CheckpointError
from zoo.learn.checkpoint import load_checkpoint
from zoo.learn.checkpoint.match import check_weights
from zoo.learn.networks import build_network
from zoo.learn.run.configuration import Configuration
from zoo.learn.run.run_folder import RunFolder
from zoo.store import fetch
from zoo.store.download.progress import Progress
from zoo.store.find import find_bundle

_OFFICIAL = "official"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run begins with.

    Attributes:
        configuration: The run's, with the whole path of the weights and their digest.
        taken: How many arrays of them the network takes.
        left: Names of those that begin anew, because the classes differ.
    """

    configuration: Configuration
    taken: int
    left: tuple[str, ...]


def look_at_pretrained(configuration: Configuration, classes: int, progress: Callable[[Progress], None]) -> Beginning:
    """Finds the weights that a new run begins with, and holds them against its network.

    Args:
        configuration: Of the run; its `pretrained` says where they are.
        classes: How many it learns.
        progress: Called with what goes on during a download.

    Raises:
        CheckpointError: They cannot be read or are those of another network.
        BundleError: The export folder has none, or is damaged.
        TrainingError: The run has no evaluated checkpoint.
        FetchError: The official checkpoint cannot be had.
        ModelNotFoundError: There is no such file, folder or model.
    """
    what, model = configuration["pretrained"], configuration["model"]
    file = _file_of(what, model, progress)
    arrays = load_checkpoint(file)
    left = check_weights(build_network(model, classes), arrays, True, str(file))
    whole = os.path.abspath(user_path(what)) if _is_path(what) else what
    pinned = {**configuration, "pretrained": whole, "pretrained_sha256": file_sha256(file)}
    return Beginning(pinned, len(arrays) - len(left), left)


def read_pretrained(configuration: Configuration) -> dict[str, NDArray[Any]] | None:
    """Reads the weights that a run begins with; None where it has none.

    Raises:
        CheckpointError: They are no longer those that the run was begun with.
        ZooError: As `look_at_pretrained`.
    """
    what = configuration["pretrained"]
    if what is None:
        return None
    file = _file_of(what, configuration["model"])
    expected = configuration.get("pretrained_sha256")
    if expected is not None and (found := file_sha256(file)) != expected:
        raise CheckpointError(
            "{file} has sha256 {found}; the run was begun with weights of {expected}.",
            "Bring these weights back, or begin another run.",
            file=file,
            found=found,
            expected=expected,
        )
    return load_checkpoint(file)


def _file_of(what: str, model: str, progress: Callable[[Progress], None] | None = None) -> Path:
    if not _is_path(what):
        if what == _OFFICIAL:
            return fetch(model, "pretrained", progress=progress)
        return find_bundle(what, progress=progress).training_weights()
    path = Path(user_path(what))
    if (run := RunFolder(path)).exists:
        return run.evaluated() / "average.safetensors"
    return read_bundle(path).training_weights() if path.is_dir() else path


def _is_path(what: str) -> bool:
    """Whether weights are named by their place: what is there, or is written like a path or a file."""
    return os.path.lexists(user_path(what)) or looks_like_path(what) or bool(Path(what).suffix)

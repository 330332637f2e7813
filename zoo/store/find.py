"""From what a caller names to an export folder: a model, a folder, or a model in a pack."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zoo.base.files import user_path
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.settings_file import is_run, looks_like_path, settings_file
from zoo.contract.refs import resolve
from zoo.errors import (
    BackendNotInstalledError,
    BundleError,
    LockMismatchError,
    ModelNotFoundError,
    ModelNotInstalledError,
)
from zoo.message import Message
from zoo.store.download.progress import Progress
from zoo.store.model_files import fetch_bundle, make_options
from zoo.store.pack import SUFFIX

_CHECKPOINTS = (".pdparams", ".safetensors")


def find_bundle(
    name: str | Path,
    *,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Bundle:
    """Finds the export folder of a model, fetching it where it is not on this machine.

    Args:
        name: Name of an installed model, an export folder, a run of `zoo train`, which stands for its best checkpoint,
            or "FILE.zoo#MODEL".
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file; anything that differs from it is refused.
        verify: Take the digest of every file.
        progress: Called with what goes on during a download.

    Raises:
        ModelNotFoundError: No model has this name.
        FetchError: The files cannot be had, or are not what they must be.
        BundleError: The folder is not an export folder.
        TrainingError: The run has no evaluated checkpoint.
        BackendNotInstalledError: The run was not exported yet, and paddlepaddle is not installed.
    """
    name = _at_home(name)
    packed = _packed(name)
    if packed is None and not (isinstance(name, Path) or looks_like_path(name)):
        try:
            return fetch_bundle(name, make_options(offline, verify, progress), lock)
        except ModelNotFoundError as error:
            hint = None if isinstance(error, ModelNotInstalledError) else _nearby(Path(name))
            if hint is None:
                raise
            raise ModelNotFoundError(error.message, hint) from error
    if lock is not None:
        raise LockMismatchError(
            "{name} is a file or folder; a lock file holds models by their names.",
            "Give the name of a model, or leave the lock out.",
            name=name,
        )
    if packed is None:
        try:
            return replace(read_bundle(_exported(Path(name))), origin=os.path.abspath(name))
        except BundleError as error:
            hint = _nearby(Path(name))
            if hint is None:
                raise
            raise BundleError(error.message, hint) from error
    from zoo.store.install import open_packed

    return replace(open_packed(*packed, verify=verify), origin=str(absolute_name(name)))


def absolute_name(name: str | Path) -> str | Path:
    """Returns a name that `find_bundle` takes for the same model in any working directory."""
    name = _at_home(name)
    packed = _packed(name)
    if packed is not None:
        return f"{os.path.abspath(packed[0])}#{packed[1]}"
    return Path(os.path.abspath(name)) if isinstance(name, Path) or looks_like_path(name) else name


def _exported(folder: Path) -> Path:
    """Returns the export folder that a folder is; of a run that of its best checkpoint.

    Raises:
        BackendNotInstalledError: It has to be made, which needs paddlepaddle.
        ZooError: The run has no evaluated checkpoint, or it cannot be exported.
    """
    if not is_run(folder):
        return folder
    try:
        # By its name: training stands above everything that predicts.
        made: Path = resolve("zoo.learn.run.delivered:bundle_of_run")(folder)
    except ImportError as error:
        raise BackendNotInstalledError(
            "The run in {folder} becomes a model by paddlepaddle: {reason}.",
            'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools',
            folder=folder,
            reason=error,
        ) from error
    return made


def _at_home(name: str | Path) -> str | Path:
    return Path(user_path(name)) if isinstance(name, Path) else user_path(name)


def _packed(name: str | Path) -> tuple[Path, str] | None:
    file, mark, model = str(name).rpartition("#")
    if mark and file.endswith(SUFFIX):
        return Path(file), model
    if str(name).endswith(SUFFIX) and Path(name).is_file():
        raise BundleError(
            "{name} is a pack, which may hold several models.", 'Say which one: "{name}#MODEL".', name=name
        )
    return None


def _nearby(path: Path) -> str | None:
    """Returns what helps where a path is no export folder but leads to one, or to a checkpoint; None for others."""
    if settings_file(path) is not None:
        return None
    # Training with PaddleX leaves both: best_model/inference and best_model/model.pdparams.
    if settings_file(path / "inference") is not None:
        return Message("Give the folder inside it: {path}", path=path / "inference")
    files = [path, *(path / f"model{suffix}" for suffix in _CHECKPOINTS)]
    for file in files:
        if file.suffix in _CHECKPOINTS and os.path.isfile(file):
            return Message(
                "A checkpoint must be exported first. Run: zoo export MODEL --weights {file} --output FOLDER", file=file
            )
    if os.path.isfile(path) and settings_file(path.parent) is not None:
        return Message("Give the folder: {path}", path=path.parent)
    return None

"""The model that a run stands for: its best checkpoint, exported once. Needs paddle for that alone.

It lies in the folder of the run, or in zoo's own where that cannot be written, as on a shared disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from zoo.base.digest import file_sha256
from zoo.base.files import ensure_folder
from zoo.base.home import RUNS, home
from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
from zoo.errors import BundleError, CheckpointError, ExportError, OutputError
from zoo.learn.run.run_folder import RunFolder
from zoo.settings.yaml_text import read_yaml


def bundle_of_run(folder: Path) -> Path:
    """Returns the export folder of the best checkpoint of a run, which is made where it is not there.

    Args:
        folder: That of the run.

    Raises:
        TrainingError: It has no evaluated checkpoint yet.
        CheckpointError: That is damaged.
        ImportError: Something has to be made, and paddlepaddle is not installed.
        ZooError: As `zoo.learn.delivery.deliver.export_run`.
    """
    run, target, old = RunFolder(folder), folder / "bundle", folder / "bundle.old"
    best = _iteration_of_best(run)
    if _iteration_of(target) == best:
        return target
    if not _can_be_written(folder):
        target = home() / RUNS / _digest_of_best(run)
        if _iteration_of(target) == best:
            return target
        ensure_folder(target.parent)
    from zoo.learn.delivery.deliver import export_run

    shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):
        # In one step: what is left of it after a kill is no model.
        target.rename(old)
    shutil.rmtree(old, ignore_errors=True)
    try:
        export_run(run, target, training_weights=False, agreement=None)
    except (ExportError, OutputError):
        # Another process may have made it meanwhile.
        if _iteration_of(target) != best:
            raise
    return target


def _can_be_written(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _digest_of_best(run: RunFolder) -> str:
    """Returns a digest of everything that the export of a run's best checkpoint follows from."""
    parts = [run.path.name, run.labels_file.read_text(encoding="utf-8"), str(run.configuration()["model"])]
    parts += [file_sha256(run.best / name) for name in ("average.safetensors", "state.json")]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _iteration_of_best(run: RunFolder) -> int:
    """Reads the iteration of the best checkpoint, without its weights."""
    folder = run.evaluated()
    try:
        return json.loads((folder / "state.json").read_text(encoding="utf-8"))["iteration"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            "The checkpoint {folder} cannot be read: {reason}.",
            "Go on with the run: zoo train --resume {run}",
            folder=folder,
            reason=error,
            run=run.path,
        ) from error


def _iteration_of(folder: Path) -> int | None:
    """Returns the iteration that the model in an export folder is from; None where there is no such folder."""
    file = folder / SETTINGS
    try:
        return read_yaml(file, SETTINGS_KIND).value["zoo"]["iteration"] if file.is_file() else None
    except (BundleError, LookupError, TypeError):
        return None

"""The model that a run stands for: its best checkpoint, exported into its folder once. Needs paddle for that alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
from zoo.errors import ExportError, OutputError
from zoo.learn.run.run_folder import RunFolder
from zoo.settings.yaml_text import read_yaml


def bundle_of_run(folder: Path) -> Path:
    """Returns the export folder of the best checkpoint inside a run, which is made where it is not there.

    Args:
        folder: That of the run.

    Raises:
        TrainingError: It has no evaluated checkpoint yet.
        ImportError: Something has to be made, and paddlepaddle is not installed.
        ZooError: As `zoo.learn.run.deliver.export_run`.
    """
    run, target = RunFolder(folder), folder / "bundle"
    best: int = json.loads((run.evaluated() / "state.json").read_text(encoding="utf-8"))["iteration"]
    if _iteration_of(target) == best:
        return target
    from zoo.learn.run.deliver import export_run

    shutil.rmtree(target, ignore_errors=True)
    try:
        export_run(run, target, training_weights=False, agreement=None)
    except (ExportError, OutputError):
        # Another process may have made it meanwhile.
        if _iteration_of(target) != best:
            raise
    return target


def _iteration_of(folder: Path) -> int | None:
    """Returns the iteration that the model in an export folder is from; None where there is no such folder."""
    file = folder / SETTINGS
    return read_yaml(file, SETTINGS_KIND).value["zoo"]["iteration"] if file.is_file() else None

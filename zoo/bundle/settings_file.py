"""Where the settings of an export folder stand, and what is said of faults in them."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.errors import BundleError
from zoo.message import Message
from zoo.settings.document import DocumentKind

SETTINGS = "inference.yml"
#: The name PaddleSeg gives to its settings.
DEPLOY = "deploy.yaml"
#: Settings and classes of a run of `zoo train`, whose folder stands for its best checkpoint.
RUN, RUN_LABELS = "config.yaml", "labels.txt"
#: Of settings in whatever system's form.
SETTINGS_KIND = DocumentKind(
    error=BundleError,
    noun=Message("the settings of a model"),
    hint=Message("Correct the file, or export the model again."),
    unread=Message("Export the model again, or download it again."),
    edited=True,
)


def settings_file(folder: Path) -> Path | None:
    """Returns the settings of an export folder (`inference.yml`, else `deploy.yaml`), or None where it has none."""
    # Not Path.is_file, which raises for a name that is too long to be one.
    return next((folder / name for name in (SETTINGS, DEPLOY) if os.path.isfile(folder / name)), None)


def is_run(folder: Path) -> bool:
    """Whether a run of `zoo train` was begun in a folder, and nobody exported a model into it."""
    # Not Path.is_file; see `settings_file`.
    return all(os.path.isfile(folder / name) for name in (RUN, RUN_LABELS)) and settings_file(folder) is None


def looks_like_path(name: str) -> bool:
    """Whether a model is named by its folder: a path, or the name of an export folder or a run in the current one."""
    return (
        "/" in name
        or "\\" in name
        or name in (".", "..")
        or settings_file(Path(name)) is not None
        or is_run(Path(name))
    )

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


def looks_like_path(name: str) -> bool:
    """Whether a model is named by its folder: a path, or the name of an export folder in the current one."""
    return "/" in name or "\\" in name or name in (".", "..") or settings_file(Path(name)) is not None

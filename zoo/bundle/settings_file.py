"""Where the settings of an export folder stand."""

from __future__ import annotations

import os
from pathlib import Path

SETTINGS = "inference.yml"
#: The name PaddleSeg gives to its settings.
DEPLOY = "deploy.yaml"


def settings_file(folder: Path) -> Path | None:
    """Returns the settings of an export folder (`inference.yml`, else `deploy.yaml`), or None where it has none."""
    # Not Path.is_file, which raises for a name that is too long to be one.
    return next((folder / name for name in (SETTINGS, DEPLOY) if os.path.isfile(folder / name)), None)

"""The folder zoo keeps its files in."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Returns the folder of everything zoo keeps: `ZOO_HOME`, else the user's cache directory. It may not exist."""
    chosen = os.environ.get("ZOO_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("zoo"))


def cached_bundle(name: str) -> Path | None:
    """Returns the export folder of a model in the cache, or None when it is not there."""
    folder = home() / "models" / name
    return folder if (folder / "inference.yml").is_file() else None

"""Where the files of models are: in the cache folder, or inside a plugin's package."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import platformdirs

from zoo.errors import FetchError
from zoo.spec import Embedded


def home() -> Path:
    """Returns the folder of everything zoo keeps: `ZOO_HOME`, else the user's cache directory. It may not exist."""
    chosen = os.environ.get("ZOO_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("zoo"))


def cached_bundle(name: str) -> Path | None:
    """Returns the export folder of a model in the cache, or None when it is not there."""
    folder = home() / "models" / name
    return folder if (folder / "inference.yml").is_file() else None


def embedded_folder(weights: Embedded) -> Path:
    """Returns the export folder inside a plugin's package; the package is not imported.

    Raises:
        FetchError: The package cannot be found.
    """
    spec = importlib.util.find_spec(weights.package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise FetchError(
            f"The package {weights.package} with the files of a model cannot be found.", "Install its plugin again."
        )
    return Path(places[0]).joinpath(*weights.folder.split("/"))

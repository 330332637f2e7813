"""Where the files of models are: in the cache folder, or inside a plugin's package."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import platformdirs

from zoo.errors import FetchError
from zoo.spec import Embedded

SETTINGS = "inference.yml"
#: The name PaddleSeg gives to its settings.
DEPLOY = "deploy.yaml"


def home() -> Path:
    """Returns the folder of everything zoo keeps: `ZOO_HOME`, else the user's cache directory. It may not exist."""
    chosen = os.environ.get("ZOO_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("zoo"))


def settings_file(folder: Path) -> Path | None:
    """Returns the settings of an export folder (`inference.yml`, else `deploy.yaml`), or None where it has none."""
    return next((folder / name for name in (SETTINGS, DEPLOY) if (folder / name).is_file()), None)


def cached_bundle(name: str) -> Path | None:
    """Returns the export folder of a model in the cache, or None when it is not there."""
    folder = home() / "models" / name
    return folder if settings_file(folder) is not None else None


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

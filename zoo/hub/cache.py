"""Where the files of models are: in the cache folder, or inside a plugin's package."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import platformdirs

from zoo.errors import CacheError, FetchError
from zoo.spec import Embedded

SETTINGS = "inference.yml"
#: The name PaddleSeg gives to its settings.
DEPLOY = "deploy.yaml"


def home() -> Path:
    """Returns the folder of everything zoo keeps: `ZOO_HOME`, else the user's cache directory. It may not exist.

    Raises:
        CacheError: `ZOO_HOME` begins with the `~` of a user who has no home folder.
    """
    chosen = os.environ.get("ZOO_HOME")
    try:
        return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("zoo"))
    except RuntimeError as error:
        raise CacheError(f"ZOO_HOME is {chosen!r}: {error}", "Run: export ZOO_HOME=FOLDER") from error


def offline() -> bool:
    """Returns whether `ZOO_OFFLINE` forbids every use of the network.

    Raises:
        FetchError: It has a value that means neither yes nor no.
    """
    value = os.environ.get("ZOO_OFFLINE", "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise FetchError(f"ZOO_OFFLINE is {value!r}; 1 or 0 was expected.", "Run: export ZOO_OFFLINE=1")


def settings_file(folder: Path) -> Path | None:
    """Returns the settings of an export folder (`inference.yml`, else `deploy.yaml`), or None where it has none."""
    # Not Path.is_file, which raises for a name that is too long to be one.
    return next((folder / name for name in (SETTINGS, DEPLOY) if os.path.isfile(folder / name)), None)


def embedded_folder(weights: Embedded) -> Path:
    """Returns the folder inside a plugin's package; the package is not imported.

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

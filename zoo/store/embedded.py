"""Model files inside a plugin's package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from zoo.contract.spec import Embedded
from zoo.errors import FetchError


def embedded_folder(weights: Embedded) -> Path:
    """Returns the folder inside a plugin's package; the package is not imported.

    Raises:
        FetchError: The package cannot be found.
    """
    spec = importlib.util.find_spec(weights.package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise FetchError(
            "The package {package} with the files of a model cannot be found.",
            "Install its plugin again.",
            package=weights.package,
        )
    return Path(places[0]).joinpath(*weights.folder.split("/"))

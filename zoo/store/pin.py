"""For maintainers: the digests of the official files, written into the plugins of a source tree."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from zoo.base.files import write_atomic
from zoo.contract.refs import resolve
from zoo.contract.spec import Artifact
from zoo.errors import RegistryError
from zoo.registry.found import InstalledModel
from zoo.registry.records import Kind
from zoo.store.artifact import FetchOptions
from zoo.store.model_files import model_files

TABLE = "digests.py"
_KINDS: tuple[Kind, ...] = ("inference", "pretrained")


def pin(models: Sequence[InstalledModel], tree: Path, options: FetchOptions) -> list[Path]:
    """Downloads every official file of some models and writes what it is into the plugins' tables.

    What a table says already is enforced by the download, so it never changes here.

    Args:
        models: Installed models of plugins in the source tree.
        tree: Top of the source tree.
        options: How to download.

    Returns:
        The tables written.

    Raises:
        FetchError: A file cannot be downloaded, or is not what the table says.
        RegistryError: A plugin is not of this source tree or has no table, or files came from a pack.
        OutputError: A table cannot be written.
    """
    tables: dict[Path, dict[str, tuple[str, int]]] = {}
    for model in models:
        path = _table(model, tree)
        if path is None:
            continue
        known = tables.setdefault(path, dict(resolve(f"{path.parent.name}.digests:DIGESTS")))
        for kind in _KINDS:
            place = model.card.weights if kind == "inference" else model.card.pretrained
            if isinstance(place, Artifact):
                record = model_files(model, kind, options).record
                if record is None or record.origin != "download":
                    raise RegistryError(
                        "The {kind} files of {model} came from a pack; a digest must be that of a download "
                        "of one's own.",
                        "Run: zoo cache rm {model} --forget",
                        kind=kind,
                        model=model.card.name,
                    )
                known[place.urls[0]] = (record.sha256, record.size)
    return [write_atomic(path, _render(path, known)) for path, known in tables.items()]


def _table(model: InstalledModel, tree: Path) -> Path | None:
    if not isinstance(model.card.weights, Artifact) and model.card.pretrained is None:
        return None
    package = model.family.network.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(package) if package else None
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec is not None else []
    for place in places:
        if place.is_relative_to((tree / "plugins").resolve()) and (place / TABLE).is_file():
            return place / TABLE
    raise RegistryError(
        "The plugin {distribution} of {model} is not installed from {tree}, or has no {table}.",
        "Run: pip install -e plugins/{distribution}",
        distribution=model.distribution,
        model=model.card.name,
        tree=tree / "plugins",
        table=TABLE,
    )


def _render(path: Path, known: dict[str, tuple[str, int]]) -> bytes:
    text = path.read_text(encoding="utf-8")
    lines = "".join(
        f'    "{url}": (\n        "{sha}",\n        {size},\n    ),\n' for url, (sha, size) in sorted(known.items())
    )
    table = "DIGESTS: dict[str, tuple[str, int]] = {" + (f"\n{lines}" if lines else "") + "}\n"
    replaced, count = re.subn(r"^DIGESTS: [^}]*\}\n", lambda _: table, text, flags=re.MULTILINE)
    if count != 1:
        raise RegistryError(
            "{path} has no table DIGESTS as zoo writes it.", "Take it from version control again.", path=path
        )
    return replaced.encode()

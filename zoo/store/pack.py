"""Bundle files for closed networks: models with their files, cards and digests in one archive.

    zoo-bundle.json           format, lock (see zoo.store.lock) and cards
    files/<tree>/<name>       the files, by the address they have in the store

It is a zip file without compression; weights hardly compress.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.files import replacing
from zoo.errors import ArchiveError
from zoo.message import Message
from zoo.registry import find_model
from zoo.registry.records import Kind
from zoo.store.artifact import FetchOptions
from zoo.store.gather import gather
from zoo.store.lock import (
    LockedModel,
    lock_document,
    parse_lock,
)
from zoo.store.manifest import (
    take_manifest,
    tree_digest,
)

INDEX = "zoo-bundle.json"
SUFFIX = ".zoo"
FORMAT = 1
_MAX_INDEX = 50_000_000


@dataclass(frozen=True, slots=True)
class Pack:
    """What a bundle file says it holds.

    Attributes:
        path: The file.
        models: The models by name, with the digest of every file.
        cards: Their cards as plain data.
    """

    path: Path
    models: Mapping[str, LockedModel]
    cards: Mapping[str, dict[str, Any]]


def write_pack(path: Path, names: Sequence[str], kinds: Sequence[Kind], options: FetchOptions) -> Path:
    """Writes models into a bundle file.

    Args:
        path: The file; replaced when it is complete and not before.
        names: Names of installed models.
        kinds: Kinds of files; a model that has no files of a kind is an error.
        options: How to fetch what is not here.

    Raises:
        FetchError: Files cannot be had.
        OutputError: The file cannot be written.
    """
    gathered = [(find_model(name), *gather(find_model(name), kinds, options)) for name in names]
    index = {
        "format": FORMAT,
        "lock": lock_document(locked for _, locked, _ in gathered),
        "cards": {model.card.name: asdict(model.card) for model, _, _ in gathered},
    }
    trees: dict[str, Path] = {}
    for _, locked, places in gathered:
        trees |= {tree_digest(files.files): places[kind] for kind, files in locked.weights.items()}
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(INDEX, json.dumps(index, indent=1, default=str))
        for tree, folder in sorted(trees.items()):
            for entry in take_manifest(folder):
                archive.write(folder / entry.name, f"files/{tree}/{entry.name}")
    return path


def read_pack(path: Path) -> Pack:
    """Reads what a bundle file says it holds. The files in it are not looked at.

    Raises:
        ArchiveError: It is no bundle file, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(INDEX)
            if info.file_size > _MAX_INDEX:
                raise ValueError(Message("{index} has {file_size} bytes", index=INDEX, file_size=info.file_size))
            index: Any = json.loads(archive.read(info))
        if not isinstance(index, dict) or index.get("format") != FORMAT:
            raise ValueError(Message("its format is not {format}", format=FORMAT))
        cards = index.get("cards")
        if not isinstance(cards, dict):
            raise ValueError(Message("it has no cards"))
        return Pack(path, parse_lock(index.get("lock")), cards)
    except OSError as error:
        raise ArchiveError(
            "{path} cannot be read: {reason}.",
            "Give the file that zoo bundle wrote.",
            path=path,
            reason=error.strerror or error,
        ) from error
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(
            "{path} is not a whole bundle file: {reason}.",
            "Copy it again, or write it again: zoo bundle MODEL -o models.zoo",
            path=path,
            reason=error,
        ) from error

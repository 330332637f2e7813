"""Packs for closed networks: models with their files, cards and digests in one archive.

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
from zoo.settings.check import check_version, conform
from zoo.settings.document import DocumentKind, Source
from zoo.settings.json_text import parse_json
from zoo.settings.rules import ANYTHING, BYTES, SHA256, STRING, TEXT, array, mapping, optional, whole
from zoo.store.artifact import FetchOptions
from zoo.store.gather import gather
from zoo.store.lock import LockedModel, lock_document, parse_lock
from zoo.store.manifest import take_manifest, tree_digest

INDEX = "zoo-bundle.json"
SUFFIX = ".zoo"
FORMAT = 1

_PACK = DocumentKind(
    error=ArchiveError,
    noun=Message("a pack"),
    hint=Message("Copy it again, or write it again: zoo pack MODEL -o models.zoo"),
    unread=Message("Give the file that zoo pack wrote."),
    named=Message("{file} is not a whole pack"),
    limit=50_000_000,
)
_PLACE = optional(mapping({}, {"urls": array(TEXT, 1), "sha256": optional(SHA256), "size": optional(BYTES)}))
#: What is read of a card; the rest of it is only kept.
_CARD = mapping(
    {
        "labels": mapping(
            {
                "name": STRING,
                "names": array(STRING, 1, 256),
                "palette": array(array(whole(0, 255), 3, 3), 1, 256),
                "ignore_index": {"type": "integer"},
            }
        )
    },
    {"weights": _PLACE, "pretrained": _PLACE},
)
SCHEMA = mapping(
    {"format": {"const": FORMAT}, "lock": ANYTHING, "cards": {"type": "object", "additionalProperties": _CARD}}
)


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack says it holds.

    Attributes:
        path: The file.
        models: The models by name, with the digest of every file.
        cards: Their cards as plain data.
    """

    path: Path
    models: Mapping[str, LockedModel]
    cards: Mapping[str, dict[str, Any]]


def write_pack(path: Path, names: Sequence[str], kinds: Sequence[Kind], options: FetchOptions) -> Path:
    """Writes models into a pack.

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
    """Reads what a pack says it holds. The files in it are not looked at.

    Raises:
        ArchiveError: It is no pack, or damaged.
    """
    source = Source(_PACK, path)
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(INDEX)
            if info.file_size > _PACK.limit:
                raise source.unreadable("is larger than {max_bytes} bytes", max_bytes=_PACK.limit)
            content = archive.read(info)
    except FileNotFoundError as error:
        raise source.unreadable("does not exist") from error
    except OSError as error:
        raise source.unreadable("cannot be read: {reason}", reason=error.strerror or error) from error
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(
            Message("{document}: {reason}.", document=source.document, reason=error), _PACK.hint
        ) from error
    root = parse_json(content, source)
    check_version(root, "format", FORMAT)
    cards = conform(root, SCHEMA)["cards"]
    return Pack(path, parse_lock(root["lock"]), cards)

"""What a folder of files holds, and whether it still does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.base.digest import file_sha256
from zoo.errors import CacheError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, SHA256, array, mapping

FILES = "files"
MANIFEST = "manifest.json"
_NAME = {
    "title": Message("the name of a file inside its folder"),
    "type": "string",
    # No part is empty, "." or "..", and none holds what another system takes for a separator.
    "pattern": r"^(?!(?:[^\0]*/)?\.{0,2}(?:/|\Z))[^\\\0]+\Z",
}
#: Of a list of files.
FILES_RULE = array(
    mapping({"name": _NAME, "size": BYTES, "sha256": SHA256}, {"stamp": array({"type": "integer"}, 2, 2)})
)
_MANIFEST = DocumentKind(
    error=CacheError,
    noun=Message("a list of files"),
)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as it was when it was last known to be right.

    Attributes:
        name: Relative name with `/` between its parts.
        size: Bytes.
        sha256: Hex digest.
        stamp: (modification time in nanoseconds, inode); while size and stamp are these, the digest is not taken again.
    """

    name: str
    size: int
    sha256: str
    stamp: tuple[int, int] = (0, 0)


Manifest = tuple[FileEntry, ...]


def tree_digest(manifest: Manifest) -> str:
    """Returns the address of a content: the digest of all names, sizes and digests."""
    lines = sorted([entry.name, entry.size, entry.sha256] for entry in manifest)
    return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()


def digests_of(manifest: Manifest) -> dict[str, str]:
    """Returns the digest of each file by its name."""
    return {entry.name: entry.sha256 for entry in manifest}


def take_manifest(folder: Path) -> Manifest:
    """Reads every file below a folder."""
    return tuple(_entry(folder, name) for name in sorted(_names(folder)))


def changes(folder: Path, manifest: Manifest, thorough: bool) -> tuple[Sequence[str], Manifest]:
    """Compares a folder with its manifest.

    Args:
        folder: The folder.
        manifest: What it must hold.
        thorough: Take every digest; otherwise only of files whose size or stamp has changed.

    Returns:
        What is wrong, a phrase a file; and the manifest with the stamps of today.
    """
    found = _names(folder)
    faults = [
        Message("{name} does not belong there", name=name)
        for name in sorted(found - {entry.name for entry in manifest})
    ]
    fresh: list[FileEntry] = []
    for entry in manifest:
        fresh.append(entry)
        if entry.name not in found:
            faults.append(Message("{model} is missing", model=entry.name))
            continue
        path = folder / entry.name
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_ino)
        if status.st_size != entry.size:
            faults.append(
                Message(
                    "{model} has {st_size} bytes instead of {size}",
                    model=entry.name,
                    st_size=status.st_size,
                    size=entry.size,
                )
            )
        elif thorough or stamp != entry.stamp:
            if file_sha256(path) != entry.sha256:
                faults.append(Message("{model} has another content", model=entry.name))
            else:
                fresh[-1] = replace(entry, stamp=stamp)
    return faults, tuple(fresh)


def manifest_document(manifest: Manifest, stamps: bool = True) -> list[dict[str, Any]]:
    """Returns a manifest as plain data."""
    plain: list[dict[str, Any]] = [
        {"name": entry.name, "size": entry.size, "sha256": entry.sha256} for entry in manifest
    ]
    if stamps:
        for item, entry in zip(plain, manifest, strict=True):
            item["stamp"] = list(entry.stamp)
    return plain


def read_manifest(file: Path) -> Manifest:
    """Reads the file that holds what `manifest_document` returned.

    Raises:
        CacheError: It cannot be read, or is anything else.
    """
    return entries(conform(read_json(file, _MANIFEST), FILES_RULE))


def entries(files: list[dict[str, Any]]) -> Manifest:
    """Returns the manifest of plain data that follow `FILES_RULE`."""
    return tuple(
        FileEntry(item["name"], item["size"], item["sha256"], tuple(item.get("stamp", (0, 0)))) for item in files
    )


def _names(folder: Path) -> set[str]:
    """Relative names of everything below a folder that is not a folder; links count as what they are called."""
    names: set[str] = set()
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in (*files, *links):
            names.add(os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/"))
    return names


def _entry(folder: Path, name: str) -> FileEntry:
    path = folder / name
    status = path.stat()
    return FileEntry(name, status.st_size, file_sha256(path), (status.st_mtime_ns, status.st_ino))

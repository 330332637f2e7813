"""What is known of an artifact, as a small file: which content it turned out to be, and how that is known.

Only the standard library is imported here: listing models asks what is on this machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, NamedTuple

from zoo.base.home import RECORDS
from zoo.contract.spec import Artifact
from zoo.errors import CacheError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, SHA256, STRING, mapping

Kind = Literal["inference", "pretrained"]
TREES = "store"
#: The lock file that `--locked` means. Here, so that the command line knows it without the machinery of downloads.
LOCK_FILE = "zoo.lock"

RECORD = DocumentKind(
    error=CacheError,
    noun=Message("a record"),
    hint=Message("Run: zoo cache verify --repair  (the artifact's digest is then recorded anew at the next download)"),
    unread=Message("Correct its permissions."),
    named=Message("The record {file} is damaged"),
)
SCHEMA = mapping(
    {
        "model": STRING,
        "kind": {"enum": ["inference", "pretrained"]},
        "url": STRING,
        "size": BYTES,
        "sha256": SHA256,
        "tree": SHA256,
        "origin": {"enum": ["download", "bundle"]},
        "added": STRING,
    },
    closed=True,
)


class Wanted(NamedTuple):
    """An artifact of a model.

    Attributes:
        model: Name of the model.
        kind: "inference" (an archive with an export folder) or "pretrained" (a checkpoint, one file).
        artifact: Where it is.
    """

    model: str
    kind: Kind
    artifact: Artifact

    @property
    def key(self) -> str:
        """Name of its record and lock: readable, safe in any file system, and another one for other addresses.

        A digest that a later plugin pins does not change it: what is here may well be that file.
        """
        slug = re.sub(r"[^A-Za-z0-9._-]+", "_", self.model).lstrip(".")[:80] or "model"
        identity = json.dumps([self.model, self.kind, self.artifact.urls])
        return f"{slug}.{self.kind}.{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


class Record(NamedTuple):
    """What an artifact turned out to be.

    Attributes:
        key: The artifact.
        model: Name of the model.
        kind: "inference" or "pretrained".
        url: Declared address it came from.
        size: Bytes of the download.
        sha256: Hex digest of the download.
        tree: Address of its files in the store.
        origin: "download", or "bundle" where the digest of the download is only known from a pack.
        added: UTC time, ISO 8601.
    """

    key: str
    model: str
    kind: Kind
    url: str
    size: int
    sha256: str
    tree: str
    origin: Literal["download", "bundle"]
    added: str


def kept(home: Path, wanted: Wanted) -> Record | None:
    """Returns the record of an artifact whose files are below the cache folder; they are not looked at.

    Files of another digest than the artifact has are not its files.
    """
    try:
        record = read_record(home / RECORDS / f"{wanted.key}.json")
    except CacheError:
        return None
    if wanted.artifact.sha256 not in (None, record.sha256):
        return None
    return record if (home / TREES / record.tree).is_dir() else None


def now() -> str:
    """Returns the time for a record."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def record_bytes(record: Record) -> bytes:
    """Returns the file of a record."""
    return (json.dumps({name: getattr(record, name) for name in SCHEMA["properties"]}, indent=1) + "\n").encode()


def read_record(file: Path) -> Record:
    """Reads the file of a record.

    Raises:
        CacheError: It cannot be read, or is damaged.
    """
    return Record(key=file.stem, **conform(read_json(file, RECORD), SCHEMA))

"""What is known of an artifact, as a small file: which content it turned out to be, and how that is known.

Only the standard library is imported here: listing models asks what is on this machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, TypeGuard

from zoo.contract.spec import Artifact
from zoo.message import Message

Kind = Literal["inference", "pretrained"]
RECORDS = "records"
TREES = "store"
#: The lock file that `--locked` means. Here, so that the command line knows it without the machinery of downloads.
LOCK_FILE = "zoo.lock"

_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wanted:
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


@dataclass(frozen=True, slots=True)
class Record:
    """What an artifact turned out to be.

    Attributes:
        key: The artifact.
        model: Name of the model.
        kind: "inference" or "pretrained".
        url: Declared address it came from.
        size: Bytes of the download.
        sha256: Hex digest of the download.
        tree: Address of its files in the store.
        origin: "download", or "bundle" where the digest of the download is only known from a bundle file.
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


def is_sha256(value: object) -> TypeGuard[str]:
    """Returns whether a value is a hex digest in small letters."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def kept(home: Path, wanted: Wanted) -> Record | None:
    """Returns the record of an artifact whose files are below the cache folder; they are not looked at.

    Files of another digest than the artifact has are not its files.
    """
    try:
        record = read_record(wanted.key, (home / RECORDS / f"{wanted.key}.json").read_bytes())
    except (OSError, ValueError):
        return None
    if wanted.artifact.sha256 not in (None, record.sha256):
        return None
    return record if (home / TREES / record.tree).is_dir() else None


def now() -> str:
    """Returns the time for a record."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def record_bytes(record: Record) -> bytes:
    """Returns the file of a record."""
    return (json.dumps({name: getattr(record, name) for name in _FIELDS}, indent=1) + "\n").encode()


_FIELDS = ("model", "kind", "url", "size", "sha256", "tree", "origin", "added")


def read_record(key: str, content: bytes) -> Record:
    """Reads the file of a record.

    Raises:
        ValueError: It is not one.
    """
    try:
        document: Any = json.loads(content)
    except RecursionError:
        raise ValueError(Message("it is nested too deep")) from None
    if not isinstance(document, dict) or set(document) != set(_FIELDS):
        raise ValueError(Message("its keys are not {fields:, }", fields=list(_FIELDS)))
    for name in ("model", "url", "added"):
        if not isinstance(document[name], str):
            raise ValueError(f"{name} is {document[name]!r}")
    if not (is_sha256(document["sha256"]) and is_sha256(document["tree"])):
        raise ValueError(Message("a digest is not one"))
    if not isinstance(document["size"], int) or document["size"] < 0:
        raise ValueError(Message("size is {size!r}", size=document["size"]))
    if document["kind"] not in ("inference", "pretrained") or document["origin"] not in ("download", "bundle"):
        raise ValueError(
            Message("kind is {kind!r} and origin {origin!r}", kind=document["kind"], origin=document["origin"])
        )
    return Record(key=key, **document)

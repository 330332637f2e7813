"""The unfinished file of one address, and how far it is proven.

    <digest of the address>.part    the bytes so far
    <digest of the address>.json    what the server said of the file, and the digest of its first bytes

It survives whatever ends the process. What is not proven when it is opened again is cut off.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType

from zoo.base.pending import Pending, Workers
from zoo.errors import CacheError
from zoo.message import Message, printable
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, SHA256, STRING, mapping, optional
from zoo.store.download.answers import BLOCK

_BLOCKS_AHEAD = 8
# Nobody sees these errors: what is not understood is not continued.
_NOTES = DocumentKind(CacheError)
_SCHEMA = mapping(
    {
        "url": STRING,
        "etag": STRING,
        "last_modified": STRING,
        "total": optional(BYTES),
        "checkpoint": mapping({"bytes": BYTES, "sha256": SHA256}),
    }
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class FileState:
    """What was said of the file when its first byte was sent.

    Attributes:
        etag: As sent, or "".
        modified: The date of the file as sent, or "".
        total: Bytes of the whole file, or None when nobody said.
    """

    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """What `If-Range` may be asked with: an ETag unless it is weak, else the date, else ""."""
        return self.etag if self.etag.startswith('"') else self.modified


def part_files(folder: Path, address: str) -> tuple[Path, Path, Path]:
    """Returns the names of the part, of the facts, and of the facts while they are written."""
    stem = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return folder / f"{stem}.part", folder / f"{stem}.json", folder / f"{stem}.new"


class PartFile:
    """A part file, opened by `with`. Only one process may use it at a time.

    Args:
        folder: Existing folder.
        address: The declared address.
        place: What is really asked, without credentials; bytes of another place are not continued.
        expected: Digest the whole file must have, where it is known.
        every: Seconds between two checkpoints.

    Attributes:
        path: The part file.
        received: Bytes it holds.
        facts: What was said of the file.
    """

    def __init__(self, folder: Path, address: str, place: str, expected: str | None, every: float) -> None:
        self.path, self._notes, self._new_notes = part_files(folder, address)
        self.received = 0
        self.facts = FileState()
        self._place = place
        self._expected = expected
        self._every = every
        self._sha256 = hashlib.sha256()
        self._hashing: deque[Pending[None]] = deque()
        self._hasher = Workers(1, "zoo-hasher")
        self._checkpoint = (0.0, 0)

    def __enter__(self) -> PartFile:
        with self._on_disk():
            # Appending continues wherever the file was cut off.
            self._file = open(self.path, "a+b", buffering=0)
        try:
            with self._on_disk():
                self._restore()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.received:
                self.checkpoint()
            else:
                with self._on_disk():
                    self._remove()
        finally:
            self._file.close()
            self._hasher.close()

    @property
    def digest(self) -> str:
        """Hex digest of the bytes so far."""
        while self._hashing:
            self._hashing.popleft().result()
        return self._sha256.hexdigest()

    def begin(self, facts: FileState) -> None:
        """Starts from the first byte."""
        self.clear()
        self.facts = facts
        with self._on_disk():
            self._save()

    def write(self, block: bytes) -> None:
        """Appends to the file and the digest.

        Raises:
            CacheError: The disk is full, and the part is removed; or it refuses.
        """
        with self._on_disk():
            rest = memoryview(block)
            while rest:
                rest = rest[self._file.write(rest) :]
        # Taking the digest in turn with receiving would cost a quarter of the rate of a fast line.
        self._hashing.append(self._hasher.submit(partial(self._sha256.update, block)))
        if len(self._hashing) > _BLOCKS_AHEAD:
            self._hashing.popleft().result()
        self.received += len(block)
        if time.monotonic() - self._checkpoint[0] >= self._every:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Makes sure that what is there can be continued after a crash of the machine."""
        if self._checkpoint[1] != self.received:
            with self._on_disk():
                os.fsync(self._file.fileno())
                self._save()

    def complete(self) -> None:
        """Notes that the file is whole. Flushing it is left to whoever keeps it: an archive is unpacked and deleted."""
        self.facts = replace(self.facts, total=self.received)
        with self._on_disk():
            self._save()

    def clear(self) -> None:
        """Throws away what is there."""
        _ = self.digest  # no block may be on its way into the digest
        with self._on_disk():
            self._truncate(0)
        self._sha256 = hashlib.sha256()
        self.facts = FileState()

    def _restore(self) -> None:
        """Takes over what an earlier process left, as far as it is proven."""
        notes = self._read_notes()
        if notes is None:
            self.clear()
            return
        facts, size, digest = notes
        self._file.seek(0)
        if self._hash(size) != size or self.digest != digest:
            self.clear()
            return
        self.facts, proven = facts, self._sha256.copy()
        rest = self._hash(None) if self._expected is not None else 0
        if self.digest == self._expected:
            # It was killed between the last byte and the last checkpoint.
            self.received = size + rest
        else:
            self._sha256 = proven
            self._truncate(size)
        self._checkpoint = (time.monotonic(), size)

    def _hash(self, size: int | None) -> int:
        """Adds the next `size` bytes, or all, to the digest; returns how many there were."""
        done = 0
        while block := self._file.read(BLOCK if size is None else min(BLOCK, size - done)):
            self._sha256.update(block)
            done += len(block)
        return done

    def _truncate(self, size: int) -> None:
        self._file.truncate(size)
        self.received = size

    def _save(self) -> None:
        document = {
            "url": self._place,
            "etag": self.facts.etag,
            "last_modified": self.facts.modified,
            "total": self.facts.total,
            "checkpoint": {"bytes": self.received, "sha256": self.digest},
        }
        self._new_notes.write_text(json.dumps(document), encoding="utf-8")
        os.replace(self._new_notes, self._notes)
        self._checkpoint = (time.monotonic(), self.received)

    def _read_notes(self) -> tuple[FileState, int, str] | None:
        """Returns facts, proven bytes and their digest; None where they do not fit or cannot be understood."""
        try:
            document = conform(read_json(self._notes, _NOTES), _SCHEMA)
        except CacheError:
            return None
        total, proven = document["total"], document["checkpoint"]
        if document["url"] != self._place or (total is not None and total < proven["bytes"]):
            return None
        return FileState(document["etag"], document["last_modified"], total), proven["bytes"], proven["sha256"]

    def _remove(self) -> None:
        for path in (self.path, self._notes, self._new_notes):
            path.unlink(missing_ok=True)
        self.received = 0

    @contextmanager
    def _on_disk(self) -> Generator[None, None, None]:
        try:
            yield
        except OSError as error:
            folder = printable(self.path.parent)
            if error.errno in _FULL:
                size = (
                    Message("{total} bytes", total=self.facts.total)
                    if self.facts.total
                    else Message("more than {received} bytes", received=self.received)
                )
                with suppress(OSError):
                    self._remove()
                raise no_room(
                    Message(
                        "{folder} cannot hold the download ({reason}): it has {size}.",
                        folder=folder,
                        reason=error.strerror,
                        size=size,
                    )
                ) from error
            raise CacheError(
                "{folder} cannot be written to: {reason}. A writable folder was expected.",
                "Correct its permissions, or run: export ZOO_HOME=FOLDER  (a writable one)",
                folder=folder,
                reason=error.strerror or error,
            ) from error


def no_room(message: str) -> CacheError:
    """Returns the error of a disk without enough room."""
    return CacheError(message, "Make room (zoo cache prune), or run: export ZOO_HOME=FOLDER  (on another disk)")

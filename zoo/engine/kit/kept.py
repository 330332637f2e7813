"""What engines keep from one process to the next: compiled programs, by what they were made of.

A file holds the digest of its content, so that one that was cut or edited counts as none; it is written whole or not at
all, so that several processes may make it at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from zoo.base.files import ensure_folder, replacing
from zoo.base.home import forget, kept_below
from zoo.base.processor import processor
from zoo.errors import OutputError

_log = logging.getLogger("zoo.engine")
_SUFFIX = ".kept"
_KEPT = f"engines/*/*{_SUFFIX}"
_MARK = b"zoo kept 1 "
_HEAD = len(_MARK) + 64 + 1
#: Most bytes that one engine keeps.
MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Kept:
    """Something an engine keeps.

    Attributes:
        folder: The engine's own, `Request.cache`.
        key: Everything it depends on, such as the digest of the program and the version of the library. Kind of
            processor and version of zoo are added to it.
    """

    folder: Path
    key: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Its file."""
        parts = [*self.key, processor(), metadata.version("zoo-core")]
        return self.folder / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}{_SUFFIX}"

    def read(self) -> bytes | None:
        """Returns it; None where it is not there or was damaged."""
        path = self.path
        try:
            with open(path, "rb") as file:
                head, content = file.read(_HEAD), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.info("%s cannot be read: %s", path, error.strerror or error)
            return None
        if head != _head(content):
            _log.info("%s is damaged; it is made again", path)
            return None
        with contextlib.suppress(OSError):
            # What was not used for longest goes first.
            os.utime(path)
        return content

    def write(self, content: bytes) -> None:
        """Keeps it. A cache that cannot be written costs time at every start, nothing else."""
        try:
            ensure_folder(self.folder)
            with replacing(self.path) as file:
                file.write(_head(content))
                file.write(content)
            _shorten(self.folder)
        except OutputError as error:
            _log.info("a compiled program could not be kept: %s", error.message)


def kept_files() -> list[tuple[Path, int]]:
    """Returns what engines keep on this machine, and its bytes.

    Raises:
        CacheError: The cache folder cannot be used.
    """
    return kept_below(_KEPT)


def forget_kept() -> int:
    """Removes what engines keep, and returns how many bytes that were.

    Raises:
        CacheError: It cannot be removed.
    """
    return sum(size for _, size in forget(_KEPT))


def _head(content: bytes) -> bytes:
    return _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def _shorten(folder: Path) -> None:
    """Removes what was not used for longest, down to the limit."""
    files = sorted(_dated(folder), reverse=True)
    total = 0
    for _, path, size in files:
        total += size
        if total > MOST_BYTES:
            with contextlib.suppress(OSError):
                path.unlink()


def _dated(folder: Path) -> Iterator[tuple[float, Path, int]]:
    for path in folder.glob(f"*{_SUFFIX}"):
        # Another process may remove it.
        with contextlib.suppress(OSError):
            found = path.stat()
            yield found.st_mtime, path, found.st_size

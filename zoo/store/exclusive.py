"""Locks between processes: one at a time works on an artifact."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.errors import CacheError
from zoo.message import Message

# Seconds between two notes of a process that waits for another one.
_WAIT_NOTE = 10.0


@contextlib.contextmanager
def exclusive(path: Path, waiting: Callable[[str], None] | None = None) -> Generator[None, None, None]:
    """Holds a lock. It ends with the process that holds it, however that ends.

    Args:
        path: The lock's file.
        waiting: Called with a note every 10 s while another process holds it.

    Raises:
        CacheError: The lock cannot be made.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is not None:
                waiting(Message("waits for another process that is fetching it"))
            _wait(lock, waiting)
    except OSError as error:
        raise CacheError(
            "The lock {lock_file} cannot be taken: {reason}.",
            "Run: export ZOO_HOME=FOLDER  (a writable one on a local disk)",
            lock_file=lock.lock_file,
            reason=error.strerror or error,
        ) from error
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, waiting: Callable[[str], None] | None) -> None:
    while True:
        try:
            lock.acquire(timeout=_WAIT_NOTE, poll_interval=0.1)
            return
        except Timeout:
            if waiting is not None:
                waiting(Message("still waits for another process that is fetching it"))

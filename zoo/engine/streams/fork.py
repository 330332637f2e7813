"""No process is forked off while an engine's code runs in a thread: locks inside it would stay shut in the child."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Watched(Protocol):
    """What runs an engine's code."""

    def hold(self) -> None:
        """Waits until nothing of it runs, and keeps it so."""
        ...

    def release(self) -> None:
        """Goes on after `hold`."""
        ...

    def forked(self) -> None:
        """Goes on in the child, where none of its threads is."""
        ...


_LOCK = threading.Lock()
_ALL: weakref.WeakSet[Watched] = weakref.WeakSet()


def watch(watched: Watched) -> None:
    """Holds this too from now on, as long as anybody else refers to it."""
    with _LOCK:
        _ALL.add(watched)


def _before() -> None:
    _LOCK.acquire()
    for watched in _ALL:
        watched.hold()


def _in_parent() -> None:
    for watched in _ALL:
        watched.release()
    _LOCK.release()


def _in_child() -> None:
    for watched in _ALL:
        watched.forked()
    _LOCK.release()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)

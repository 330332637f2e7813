"""Keeps predictors that use oneDNN from taking each other's objects away.

paddle keeps what oneDNN prepared for a shape of the input in one cache for all predictors of a process. With its bound
it lets go of a shape when there is another one, also where another predictor is using it: the process ended in a
convolution (paddlepaddle 3.2.2, two sessions in two threads). Without the bound memory grows by megabytes with every
shape. So a batch of a shape that may displace another one runs alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator

#: Shapes that the cache holds.
CAPACITY = 10


class _OneDnn:
    """The cache, which all sessions of the process share."""

    def __init__(self) -> None:
        self._shapes: set[tuple[int, ...]] = set()
        self.forked()

    def forked(self) -> None:
        """Forgets what ran: threads of the parent that were at it are not there in a child."""
        self._turn = threading.Condition()
        self._running = self._waiting = 0
        self._alone = False

    @contextlib.contextmanager
    def running(self, shape: tuple[int, ...]) -> Generator[None]:
        """While a batch runs: beside others if its shape is held and nothing was displaced yet, else alone."""
        with self._turn:
            # Which shape is displaced is not known, so from then on none is known to be held.
            alone = shape not in self._shapes or len(self._shapes) > CAPACITY
            self._waiting += alone
            try:
                self._turn.wait_for(lambda: not self._alone and not (self._running if alone else self._waiting))
                # The one before may have displaced it.
                while not alone and len(self._shapes) > CAPACITY:
                    alone = True
                    self._waiting += 1
                    self._turn.wait_for(lambda: not self._alone and not self._running)
            finally:
                self._waiting -= alone
                # Those that waited for one whose wait was interrupted.
                self._turn.notify_all()
            self._running += 1
            self._alone = alone
        try:
            yield
        finally:
            with self._turn:
                self._running -= 1
                self._alone = False
                if len(self._shapes) <= CAPACITY:
                    self._shapes.add(shape)
                self._turn.notify_all()


ONEDNN = _OneDnn()
os.register_at_fork(after_in_child=ONEDNN.forked)

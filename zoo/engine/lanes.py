"""Streams: several sessions of one program that run different batches at the same time.

One session with all threads has the first answer soonest. For many pictures, sessions with a part of the threads each
do more: the layers of a network do not divide evenly among threads. On two cores two sessions of one thread run 1.06 to
1.37 times as many pictures as one session of two (paddlepaddle 3.2.2, seven models at 512x1024), with the same outputs,
bit for bit (`benchmarks/streams.py`; whole runs: `benchmarks/pipeline.py`). The term is OpenVINO's.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from zoo.contract.engine import Session
from zoo.engine.open import Opener
from zoo.errors import ConfigError

Done = TypeVar("Done")

_log = logging.getLogger("zoo.engine.lanes")

#: Streams by default, where there are threads for them: every one holds the weights and a picture's features.
MOST = 4


def check_streams(count: int | None, threads: int) -> None:
    """Checks a wanted number of streams before anything is opened.

    Raises:
        ConfigError: There are more streams than threads, or none.
    """
    if count is not None and not 1 <= count <= threads:
        raise ConfigError(
            "streams is {count}. 1 to {threads} was expected, the number of threads: every stream has its own.",
            "Give fewer streams, or more threads.",
            count=count,
            threads=threads,
        )


class Streams:
    """The sessions of a model.

    Nobody owns a stream: whoever uses one that is busy waits, as for every session. So nothing has to be given back,
    whatever interrupts a run.

    Args:
        opener: Opens a session with so many threads.
        threads: How many all have together.
        count: Streams; by default as many as there are threads, at most `MOST`.

    Attributes:
        main: The session with all threads.
        asked: Whether the caller asked for several, so that a run without them must say so.
        closed: Whether `close` was called.

    Raises:
        ConfigError: There are more streams than threads.
        BackendError: The engine refuses the program.
    """

    def __init__(self, opener: Opener, threads: int, count: int | None = None) -> None:
        check_streams(count, threads)
        self._opener = opener
        self.main = opener(threads)
        self._most = count or min(threads, MOST)
        if not self.main.parallel:
            if count is not None and count > 1:
                _log.warning("%s runs no streams; one session with all threads is used", self.main.facts)
            self._most = 1
        self._threads = threads
        self.asked = count is not None and count > 1
        self._lock = threading.Lock()
        self._open: list[Session] = []
        self.closed = False
        self._process = os.getpid()

    @property
    def count(self) -> int:
        """Streams there may be; 1 where only `main` is to be used, as after a fork."""
        # A thread that ran a stream at a fork is not there in the child, and its lock stays shut.
        return self._most if os.getpid() == self._process else 1

    @property
    def complete(self) -> bool:
        """Whether all streams are open."""
        return len(self._open) >= self._most

    def open_next(self, work: Callable[[Session], Done]) -> Done:
        """Opens a stream and gives it its first work, here: an engine may print on stdout then.

        Raises:
            BackendError: The engine cannot open another session.
            Exception: Whatever `work` raises; the stream is open then.
        """
        with self._lock:
            number = len(self._open)
            if number >= self._most:
                return work(self._open[-1])
            stream = self._opener(self._threads // self._most + (number < self._threads % self._most))
            try:
                return work(stream)
            finally:
                self._open.append(stream)

    def __getitem__(self, number: int) -> Session:
        """Returns a stream by its number, once `complete`."""
        return self._open[number]

    def close(self) -> None:
        """Frees all sessions."""
        self.closed = True
        self.main.close()
        with self._lock:
            for stream in self._open:
                stream.close()

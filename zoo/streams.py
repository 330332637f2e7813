"""Streams: several sessions of one program that run different batches at the same time.

One session with all threads has the first answer soonest. For many pictures, sessions with a part of the threads each
do more: the layers of a network do not divide evenly among threads. On two cores two sessions of one thread run 1.06 to
1.37 times as many pictures as one session of two (paddlepaddle 3.2.2, seven models at 512x1024), with the same outputs,
bit for bit; `benchmarks/pipeline.py` measures whole runs. The term is OpenVINO's.
"""

from __future__ import annotations

import queue
import threading

from zoo.errors import ConfigError
from zoo.plugin import Session, StreamSession

#: Streams by default, where there are threads for them: every one holds the weights and a picture's features.
MOST = 4


def check_streams(count: int | None, threads: int) -> None:
    """Checks a wanted number of streams before anything is opened.

    Raises:
        ConfigError: There are more streams than threads, or none.
    """
    if count is not None and not 1 <= count <= threads:
        raise ConfigError(
            f"streams is {count}. 1 to {threads} was expected, the number of threads: every stream has its own.",
            "Give fewer streams, or more threads.",
        )


class Streams:
    """The sessions of a model.

    Args:
        main: The session with all threads.
        threads: How many it has.
        count: Streams; by default as many as there are threads, at most `MOST`.

    Attributes:
        main: The session with all threads.
        count: Streams that `take` gives; 1 where the engine has none, so that only `main` is to be used.

    Raises:
        ConfigError: There are more streams than threads.
    """

    def __init__(self, main: Session, threads: int, count: int | None = None) -> None:
        check_streams(count, threads)
        self.main = main
        self.count = (count or min(threads, MOST)) if isinstance(main, StreamSession) and main.has_streams else 1
        self._threads = threads // self.count
        self._lock = threading.Lock()
        self._open: list[Session] = []
        self._free: queue.SimpleQueue[Session] = queue.SimpleQueue()

    def take(self) -> tuple[Session, bool]:
        """Waits for a stream that nobody uses; `give_back` must follow.

        Returns:
            The stream, and whether it has just been opened: its first batch is to run in the thread of the caller,
            because an engine may print on stdout then.

        Raises:
            BackendError: The engine cannot open another session.
        """
        with self._lock:
            if len(self._open) < self.count and self._free.empty():
                assert isinstance(self.main, StreamSession)
                self._open.append(self.main.open_stream(self._threads))
                return self._open[-1], True
        return self._free.get(), False

    def give_back(self, stream: Session) -> None:
        """Lets others use a stream."""
        self._free.put(stream)

    def close(self) -> None:
        """Frees all sessions."""
        self.main.close()
        with self._lock:
            for stream in self._open:
                stream.close()

"""Work given to threads, and what comes of it.

In place of `concurrent.futures`: the locks of its futures and pools are taken in Python code, where Ctrl-C in a caller
may come after a lock was taken and before it is held by a `with`. It then stays taken, and the thread that does the
work waits for ever to give its result. The locks used here are taken in C, which nothing interrupts.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

Done = TypeVar("Done")
# Seconds.
_NAP = 0.5


def wait_for(told: SimpleQueue[None]) -> None:
    """Waits until something is put into a queue, and takes it.

    Ctrl-C that comes in the moment before a thread goes to sleep is seen only when it wakes, so it wakes now and then.
    """
    while True:
        try:
            return told.get(timeout=_NAP)
        except Empty:
            continue


class Pending(Generic[Done]):
    """The result of work that another thread does.

    Args:
        told: Gets None when the work has ended.
    """

    def __init__(self, told: SimpleQueue[None] | None = None) -> None:
        self._lock = threading.Lock()
        self._begun = self._ended = False
        self._results: list[Done] = []
        self._error: BaseException | None = None
        self._ends: list[SimpleQueue[None]] = [SimpleQueue(), *([told] if told else [])]

    def begin(self) -> bool:
        """Whether the work is still wanted; from here on it cannot be cancelled."""
        with self._lock:
            self._begun = not self._ended
        return self._begun

    def cancel(self) -> None:
        """Says that the work is not wanted any more. What has begun goes on."""
        with self._lock:
            if self._begun or self._ended:
                return
            self._error, self._ended = CancelledError(), True
        self._tell()

    def give(self, result: Done) -> None:
        """Gives the result."""
        self._results.append(result)
        self._ended = True
        self._tell()

    def fail(self, error: BaseException) -> None:
        """Gives an error in place of the result."""
        self._error, self._ended = error, True
        self._tell()

    def _tell(self) -> None:
        for end in self._ends:
            end.put(None)

    def done(self) -> bool:
        """Whether `result` needs not wait."""
        return self._ended

    def wait(self) -> None:
        """Waits until the work has ended."""
        while not self._ended:
            wait_for(self._ends[0])
            # For the next one who waits.
            self._ends[0].put(None)

    def result(self) -> Done:
        """Waits for the result; may be asked again.

        Raises:
            BaseException: What the work raised.
            CancelledError: It was cancelled before it began.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]


class Workers:
    """Threads that do what they are given, in its order. Leaving the `with` waits for what has been given.

    Args:
        count: Threads.
        name: Their name.
    """

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threads = [threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True) for _ in range(count)]
        # Also at the end of the program, which would not wait for them, and where nobody refers to them any more.
        self._end = weakref.finalize(self, _end, self._jobs, threads)
        for thread in threads:
            thread.start()

    def submit(self, work: Callable[[], Done]) -> Pending[Done]:
        """Has a thread do something."""
        pending: Pending[Done] = Pending()
        self._jobs.put(partial(_do, work, pending))
        return pending

    def close(self) -> None:
        """Waits for what has been given, and ends the threads. Closing twice is harmless."""
        self._end()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _work(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()


def _do(work: Callable[[], Done], pending: Pending[Done]) -> None:
    if pending.begin():
        try:
            pending.give(work())
        except BaseException as error:
            pending.fail(error)


def _end(jobs: SimpleQueue[Callable[[], None] | None], threads: list[threading.Thread]) -> None:
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join()

"""Work that takes the processor spread over processes, each item by itself, results as they come.

The processes are new ones, never forked: the caller may have threads. One that ends costs the item it was at.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

from zoo.base.child import environment, python

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
# Fewer items a process are done before it has begun.
_WORTH = 12
_CHUNK = 4
# A process that ends so often, on whatever, ends on everything.
_MOST_ENDS = 20


def in_processes(
    function: Callable[[_Item], _Result], items: Sequence[_Item], processes: int
) -> Generator[tuple[int, _Result | None], None, None]:
    """Calls a function for every item, in several processes where there are enough items.

    Args:
        function: Of a module, or a `functools.partial` of one; it and what it takes and returns are pickled.
        items: What it is called with.
        processes: How many at most.

    Yields:
        The number of an item and its result, in the order in which they are done; None for one whose process ended.
    """
    processes = min(processes, len(items) // _WORTH)
    if processes < 2:
        for number, item in enumerate(items):
            yield number, function(item)
        return
    work = _Work(pickle.dumps(function), items)
    threads = [threading.Thread(target=work.keep_asking, daemon=True) for _ in range(processes)]
    try:
        for thread in threads:
            thread.start()
        for _ in items:
            yield work.done.get()
    finally:
        work.end()


class _Work:
    """What is to be done, and the processes that do it; each is asked by a thread."""

    def __init__(self, order: bytes, items: Sequence[Any]) -> None:
        self.done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._order, self._items = order, items
        self._todo = deque(range(start, min(start + _CHUNK, len(items))) for start in range(0, len(items), _CHUNK))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ends = 0
        self._ended = False

    def keep_asking(self) -> None:
        """Has items done until there are none."""
        process = None
        while not self._ended:
            try:
                chunk = self._todo.popleft()
            except IndexError:
                break
            try:
                process = process or self._start()
                results = _ask(process, [self._items[number] for number in chunk])
            except (OSError, EOFError, pickle.UnpicklingError):
                _close(process)
                process = None
                self._ends += 1
                self._give_up(chunk)
                continue
            for number, result in zip(chunk, results, strict=True):
                self.done.put((number, result))
        _close(process)

    def end(self) -> None:
        """Ends what still runs."""
        self._ended = True
        for process in self._processes:
            # Its thread, which may be in the middle of asking, reads the end and closes the pipes.
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(python(__name__), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
        self._processes.append(process)
        if self._ended:
            process.kill()
        assert process.stdin is not None
        process.stdin.write(self._order)
        return process

    def _give_up(self, chunk: range) -> None:
        """Has the items of a process that ended done one by one, or not at all."""
        if len(chunk) > 1 and self._ends < _MOST_ENDS:
            self._todo.extendleft(range(number, number + 1) for number in reversed(chunk))
            return
        for number in chunk:
            self.done.put((number, None))


def _close(process: subprocess.Popen[bytes] | None) -> None:
    """Closes the pipes of a process, which ends it, where there is one."""
    for pipe in () if process is None else (process.stdin, process.stdout):
        # What was not written yet is nobody's any more.
        with contextlib.suppress(OSError):
            pipe.close() if pipe else None


def _ask(process: subprocess.Popen[bytes], items: list[Any]) -> list[Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    pickle.dump(items, process.stdin)
    process.stdin.flush()
    return pickle.load(process.stdout)


def _serve() -> None:
    """What such a process does: it ends with the one that started it, because its standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is to be said is in the results.
    logging.lastResort = None
    with os.fdopen(os.dup(1), "wb") as answers:
        # What somebody prints is no answer.
        os.dup2(2, 1)
        function = pickle.load(sys.stdin.buffer)
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                pickle.dump([function(item) for item in pickle.load(sys.stdin.buffer)], answers)
                answers.flush()


if __name__ == "__main__":
    _serve()

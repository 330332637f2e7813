"""The program that zoo is part of keeps its signals and its logging, whatever a library does when it is imported.

paddle takes SIGTERM, SIGSEGV and others for a handler in C++ that prints a trace and may hang, and sets level and
propagation of the root logger.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from importlib.abc import MetaPathFinder

# Longer than `struct sigaction` is on any Linux.
_LONG = 512
# Not Python's own functions: those know nothing of handlers in C, such as those of faulthandler, and work in the main
# thread only.
_C = ctypes.CDLL(None)
#: What asks a program to stop or to end.
_ENDS = (signal.SIGINT, signal.SIGTERM)


class _Host:
    """What belongs to the whole process. Threads may import at the same time: the last one to end restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._importing = 0
        self._before = _State()

    @contextlib.contextmanager
    def undisturbed(self) -> Generator[None]:
        """While a library is imported: signals and the root logger are afterwards as they were before.

        SIGINT and SIGTERM wait until then: Ctrl-C in the middle of an import comes out of C++ code as an ImportError,
        and leaves a library that cannot be imported again.
        """
        with self._lock:
            if not self._importing:
                self._before = _State()
            self._importing += 1
        waiting: list[int] = []
        handlers = _deferred(waiting)
        watch = _Watch(self._before)
        sys.meta_path.insert(0, watch)
        try:
            yield
        finally:
            sys.meta_path.remove(watch)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            with self._lock:
                self._importing -= 1
                if not self._importing:
                    self._before.restore()
            for number in waiting:
                signal.raise_signal(number)


def _deferred(waiting: list[int]) -> dict[signal.Signals, Callable[..., object]]:
    """Lets signals that run code of Python wait; returns their handlers. That code runs in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in _ENDS}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, _: waiting.append(number))
    return handlers


class _State:
    """The actions of all signals and the root logger, as they are when it is made."""

    def __init__(self) -> None:
        root = logging.getLogger()
        self._root = root.level, root.propagate, root.disabled, root.handlers[:]
        self._actions = {number: _action(number) for number in range(1, signal.NSIG)}

    def restore(self) -> None:
        root = logging.getLogger()
        level, root.propagate, root.disabled, root.handlers[:] = self._root
        root.setLevel(level)
        self.restore_signals(self._actions)

    def restore_signals(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if _action(number) != self._actions[number]:
                _C.sigaction(number, self._actions[number], None)


class _Watch(MetaPathFinder):
    """Is asked before each module of a library is imported, and gives back what the one before it took: SIGTERM must
    not meet the library's handler for the second that the rest takes.
    """

    def __init__(self, before: _State) -> None:
        self._before = before

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        self._before.restore_signals([signal.SIGTERM])


def _action(number: int) -> bytes:
    """Returns the `struct sigaction` of a signal; zeros where it has none."""
    action = ctypes.create_string_buffer(_LONG)
    _C.sigaction(number, None, action)
    return action.raw


HOST = _Host()

"""SIGTERM, which asks a program to end, ends a command as Ctrl-C does: what is done is told, nothing stays behind."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


def exit_code(end: KeyboardInterrupt) -> int:
    """Returns what a program exits with that was ended so, as shells count: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(end, Terminated) else signal.SIGINT)


@contextlib.contextmanager
def terminable() -> Generator[None]:
    """While the block runs, SIGTERM raises `Terminated` in it; a second one ends the process at once.

    Nothing is changed where the program has an answer to SIGTERM of its own, or this is not its main thread.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated

"""SIGINT, which is Ctrl-C, and SIGTERM end a command in order: what is done is told, nothing stays behind. Whoever
cannot wait for that sends a second one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

# Back to the beginning of the line, and erase it: the ^C that a terminal shows, a line that was being rewritten.
_CLEAN = b"\r\x1b[K"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C was pressed."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


def exit_code(end: KeyboardInterrupt) -> int:
    """Returns what a program exits with that was ended so, as shells count: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(end, Terminated) else signal.SIGINT)


def from_outside(error: BaseException) -> bool:
    """Says whether an exception is an interruption by a signal, and none that code raised by itself.

    Where Python's own handler answers Ctrl-C that cannot be told in the main thread: it is taken for one there.
    """
    if type(error) is not KeyboardInterrupt:
        return isinstance(error, (Interrupted, Terminated))
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGINT) not in (_raise, _end)


def answer_signals() -> None:
    """Lets SIGINT raise `Interrupted` and SIGTERM `Terminated`; after the first of them, the next ends the process.

    For a whole program. One that is answered in another way already, or ignored, stays as it is.
    """
    _replace(signal.SIGINT, signal.default_int_handler, _raise)
    _replace(signal.SIGTERM, signal.SIG_DFL, _raise)


def end_at_once() -> None:
    """Lets the next SIGINT or SIGTERM end the process without a word: there is nothing left to be told."""
    _replace(signal.SIGINT, _raise, _end)
    # The system does it, also where Python cannot answer.
    _replace(signal.SIGTERM, _raise, signal.SIG_DFL)


def _replace(number: int, before: object, after: Callable[..., object] | signal.Handlers) -> None:
    if signal.getsignal(number) == before:
        signal.signal(number, after)


def _raise(number: int, _: object) -> None:
    end_at_once()
    raise Terminated if number == signal.SIGTERM else Interrupted


def _end(number: int, _: object) -> None:
    with contextlib.suppress(OSError):
        # Not by sys.stderr, in the middle of whose writing this may come.
        if os.isatty(2) and os.environ.get("TERM") != "dumb":
            os.write(2, _CLEAN)
    os._exit(128 + number)

"""One line at the bottom of a terminal, rewritten in place and gone before anything else is printed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, TextIO

from zoo.cli.cells import cut
from zoo.cli.notes import quiet, verbose

#: Between two looks at what is to be shown.
_SECONDS = 0.1
_ERASED = "\r\x1b[K"
_COLUMNS = 80
#: Cells that stay free: for the cursor, and for the ^C a terminal shows.
_ROOM = 3


@contextlib.contextmanager
def line(text: Callable[[], str]) -> Generator[None, None, None]:
    """Shows a text in one line of the terminal as long as the block runs; what is printed meanwhile goes above it.

    Nothing is shown without a terminal on standard error, with `zoo --quiet` or `--verbose`.

    Args:
        text: Returns the text as it is now, which is cut to the width of the terminal; empty for no line. It is called
            ten times a second, in a thread.
    """
    if quiet() or verbose() or not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        yield
        return
    with contextlib.ExitStack() as until_the_end:
        shown = _Line(sys.stderr, text)
        until_the_end.enter_context(contextlib.redirect_stderr(_Above(sys.stderr, shown)))
        if is_terminal(sys.stdout):
            until_the_end.enter_context(contextlib.redirect_stdout(_Above(sys.stdout, shown)))
        # Ctrl-C while it begins must end it too.
        until_the_end.push(shown.end)
        shown.begin()
        yield


def is_terminal(stream: TextIO | None) -> bool:
    """Says whether a stream is a terminal; one that was closed before zoo began is None."""
    return stream is not None and stream.isatty()


class _Line:
    """The line, drawn by a thread of its own."""

    def __init__(self, terminal: TextIO, text: Callable[[], str]) -> None:
        self._terminal, self._text = terminal, text
        self._drawn = ""
        # Whether the cursor stands at the beginning of a line, and not behind a question.
        self._free = True
        # A signal handler may print while its thread draws.
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)

    def begin(self) -> None:
        """Draws it, now and from now on."""
        self._draw()
        self._thread.start()

    def end(self, kind: type[BaseException] | None, *_: object) -> None:
        """Takes it away; takes what `__exit__` does."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._erase()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._put(_ERASED)  # the ^C of the terminal

    def write(self, stream: TextIO, text: str) -> int:
        """Writes a text above the line; the line comes back with the next look."""
        with self._lock:
            self._erase()
            if text:
                self._free = text.endswith("\n")
            return stream.write(text)

    def _keep_drawing(self) -> None:
        while not self._ended.wait(_SECONDS):
            self._draw()

    def _draw(self) -> None:
        encoding = self._terminal.encoding
        text = cut(self._text(), self._columns() - _ROOM).encode(encoding, "replace").decode(encoding)
        with self._lock:
            if self._free and text != self._drawn:
                self._put(f"\r{text}\x1b[K")
                self._drawn = text

    def _erase(self) -> None:
        with self._lock:
            if self._drawn:
                self._put(_ERASED)
                self._drawn = ""

    def _columns(self) -> int:
        with contextlib.suppress(OSError):
            # A terminal may not know its width.
            return os.get_terminal_size(self._terminal.fileno()).columns or _COLUMNS
        return _COLUMNS

    def _put(self, codes: str) -> None:
        # A terminal that went away says so where something is printed.
        with contextlib.suppress(OSError):
            self._terminal.write(codes)
            self._terminal.flush()


class _Above:
    """A stream whose texts are written above the line; all other members are the stream's own."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        self._stream, self._line = stream, line

    def write(self, text: str) -> int:
        return self._line.write(self._stream, text)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

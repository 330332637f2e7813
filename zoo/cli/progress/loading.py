"""What is shown while a model is loaded: the file that is downloaded, a trial of the engine, or how long it takes."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from zoo.cli.language import translate
from zoo.cli.notes import note, quiet, verbose
from zoo.cli.progress.figures import bar, time_left
from zoo.cli.progress.line import is_terminal, line
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.store.download.progress import Progress

#: Seconds after which it is told how many there were.
_LONG = 2
#: The logger that says what is tried, see `zoo.engine.trial`.
_TRIALS = "zoo.engine.trial"


@contextlib.contextmanager
def loading(template: str, /, **values: object) -> Generator[Callable[[Progress], None], None, None]:
    """Tells what is done, and yields a callback for the downloads in it; with `zoo --quiet` it tells nothing.

    Args:
        template: What is done, such as "loading {model}", as of `zoo.message.Message`.
        values: Its values.
    """
    work = _Work(Message(template, **values))
    with line(work.text), _heard(work):
        yield _nothing if quiet() else _noted if verbose() or not is_terminal(sys.stderr) else work.told


class _Work(logging.Handler):
    """What is done now."""

    def __init__(self, what: Message) -> None:
        super().__init__(logging.INFO)
        self._what = what
        self._began = time.monotonic()
        self._download: Progress | None = None
        # When, and with how many bytes, the address began to give the file.
        self._since, self._had = 0.0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Takes what is said about a trial."""
        self._download = None
        self._what = Message("{work}: {trial}", work=self._what, trial=Message(str(record.msg)))

    def told(self, progress: Progress) -> None:
        """Takes how far a download is."""
        before = self._download
        if before is None or before.note or before.url != progress.url:
            self._since, self._had = time.monotonic(), progress.received
        # What follows is unpacking.
        self._download = None if progress.received == progress.total and not progress.note else progress

    def text(self) -> str:
        """Returns the line to show."""
        now = self._download
        if now is None:
            seconds = time.monotonic() - self._began
            return translate(self._what) + (f"  {seconds:.0f} s" if seconds >= _LONG else "")
        if now.note:
            return translate(_note(now))
        seconds = max(time.monotonic() - self._since, 1e-9)
        rate = (now.received - self._had) / seconds
        size = f"{now.received / 1e6:.1f}" if now.total is None else f"{now.received / 1e6:.1f}/{now.total / 1e6:.1f}"
        parts = [printable(_file(now.url)), f"{size} MB", f"{rate / 1e6:.1f} MB/s"]
        if now.total is not None:
            parts += [bar(now.received, now.total), time_left(now.received - self._had, now.total - self._had, seconds)]
        return "  ".join(parts)


@contextlib.contextmanager
def _heard(work: _Work) -> Generator[None, None, None]:
    """Lets work hear of trials, and nobody else; with --verbose they are printed as all that is logged."""
    if verbose():
        yield
        return
    logger = logging.getLogger(_TRIALS)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(work)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.setLevel(level)
        logger.removeHandler(work)


def _noted(progress: Progress) -> None:
    """Says on standard error, where nothing can be rewritten, what is waited for."""
    if progress.note:
        note(_note(progress))


def _nothing(progress: Progress) -> None:
    """Says nothing."""


def _note(progress: Progress) -> str:
    return Message("{file}: {note}", file=_file(progress.url), note=progress.note)


def _file(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]

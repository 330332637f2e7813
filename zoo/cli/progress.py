"""What a download or a count of pictures shows: a bar on a terminal; of a download notes everywhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from zoo.cli.language import translate
from zoo.cli.notes import note, quiet, verbose
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.store.download.progress import Progress


@contextlib.contextmanager
def download_progress() -> Generator[Callable[[Progress], None], None, None]:
    """Yields a callback for downloads; with `zoo --quiet` it shows nothing."""
    if quiet():
        yield lambda progress: None
        return
    if not sys.stderr.isatty():
        yield _notes
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: Progress) -> None:
            if progress.note:
                bars.console.print(translate(_note(progress)), markup=False, highlight=False)
                return
            if progress.url not in tasks:
                tasks[progress.url] = bars.add_task(printable(_file(progress.url)), total=progress.total)
            bars.update(tasks[progress.url], completed=progress.received, total=progress.total)

        yield show


def _notes(progress: Progress) -> None:
    if progress.note:
        note(_note(progress))


def _note(progress: Progress) -> str:
    return Message("{file}: {note}", file=_file(progress.url), note=progress.note)


def _file(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@contextlib.contextmanager
def count_progress(total: int) -> Generator[Callable[[int], object], None, None]:
    """Yields a callback for the number of pictures done; a bar on standard error where that is a terminal.

    Args:
        total: How many there are.
    """
    if quiet() or verbose() or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=total)
        yield lambda done: bars.update(task, completed=done)

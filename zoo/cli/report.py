"""What `zoo predict` tells: all about a single picture, a line each of several, a bar meanwhile and a summary."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from zoo.cli.language import tr, translate
from zoo.cli.notes import note, quiet, verbose
from zoo.cli.tables import json_text, times_text
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.errors import ZooError
    from zoo.results import Predictions, Result

#: A result, and the files it was written to.
Written = tuple["Result", list[Path]]

# Classes in the line of a picture.
_SHOWN = 3


class Telling:
    """Prints the results of a run, in their order, and counts them.

    Args:
        predictions: The run; its failures are told too.
        passed: Returns how many inputs were passed over.
        as_json: A line of JSON for each result and each failure.
        whole: All about every picture, also where there are several.

    Attributes:
        tally: What was told so far.
        finished: Results that are written and not told yet, for a writer to fill.
        shown: Where lines go.
    """

    def __init__(self, predictions: Predictions, passed: Callable[[], int], *, as_json: bool, whole: bool) -> None:
        self.tally = Tally()
        self.finished: deque[Written] = deque()
        self.shown = Bar()
        self._predictions, self._passed = predictions, passed
        self._as_json, self._whole = as_json, whole
        self._failures = 0

    def through(self, results: Iterable[Written]) -> None:
        """Prints all results."""
        for _ in self.passing(results):
            pass

    def passing(self, results: Iterable[Written]) -> Iterator[Written]:
        """Prints results and passes them on."""
        remaining = iter(results)
        lines = _json
        held: list[Written] = []
        fault: BaseException | None = None
        if not self._as_json:
            # Whether there are several is known when the second is there.
            try:
                held = list(itertools.islice(remaining, 1))
                held += itertools.islice(remaining, 1)
            except BaseException as error:  # also Ctrl-C: what is done is told first
                fault = error
            lines = _whole if self._whole or len(held) < 2 else _line
        for written in itertools.chain(held, () if fault else remaining):
            self._print(written, lines)
            yield written
        self._tell_failures()
        if fault is not None:
            raise fault

    def rest(self) -> None:
        """Prints what was written and not told, which is so after Ctrl-C."""
        self.shown = Bar()
        for written in list(self.finished):
            self._print(written, _json if self._as_json else _line)
        self._tell_failures()

    def _print(self, written: Written, lines: Callable[[Result, list[Path]], Iterator[str]]) -> None:
        if self.finished:
            self.finished.popleft()
        self.tally.add(written[0])
        for line in lines(*written):
            self.shown.echo(line)
        self._tell_failures()
        self.shown.advance(self.tally, len(self._predictions.failures) + self._passed())

    def _tell_failures(self) -> None:
        failures = self._predictions.failures
        for failure in failures[self._failures :] if self._as_json else ():
            document = {"name": failure.name, "source": failure.uri, "error": _error(failure.error)}
            self.shown.echo(json_text(document))
        self._failures = len(failures)


def _error(error: ZooError) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint, "values": error.values}


def _json(result: Result, paths: list[Path]) -> Iterator[str]:
    document = {**result.to_dict(mask=False), "saved": [str(path) for path in paths]}
    yield json_text(document)


def _whole(result: Result, paths: list[Path]) -> Iterator[str]:
    """The lines of data; notes go to standard error."""
    yield tr("{place}  {model} on {device}", place=_place(result), model=result.model, device=result.device)
    shares = {name: (printable(name), share) for name, share in result.shares().items()}
    means = result.mean_scores() if result.scores is not None else {}
    column = max(len(shown) for shown, _ in shares.values())
    for name, (shown, share) in shares.items():
        score = tr("  score {mean:.3f}", mean=means[name]) if name in means else ""
        yield f"  {shown:<{column}}  {share:7.2%}{score}"
    if result.note:
        note("  {note}", note=result.note)
    note("  {times}  ({engine})", times=times_text(result.seconds), engine=result.engine)
    for path in paths:
        note("  saved {path}", path=_shown(path))


def _line(result: Result, paths: list[Path]) -> Iterator[str]:
    shares = list(result.shares().items())
    parts = [_place(result), *(f"{printable(name)} {share:.1%}" for name, share in shares[:_SHOWN])]
    if len(shares) > _SHOWN:
        parts.append(tr("and {count} more", count=len(shares) - _SHOWN))
    if result.note:
        parts.append(f"({printable(translate(result.note))})")
    if paths:
        parts.append("-> " + ", ".join([_shown(paths[0]), *(printable(path.name) for path in paths[1:])]))
    yield "  ".join(parts)


def _place(result: Result) -> str:
    height, width = result.mask.shape
    return f"{_shown(result.uri)}  {height}x{width}"


def _shown(path: str | Path) -> str:
    """Shortens a path below the current folder; leaves URLs and names that are no paths."""
    if not os.path.isabs(path):
        return printable(path)
    near = os.path.relpath(path)
    return printable(path if near.startswith("..") else near)


class Tally:
    """Counts a run: pictures, inputs (a video is one, of many pictures), and the time of each stage."""

    def __init__(self) -> None:
        self.pictures = 0
        self.inputs = 0
        self._input = ""
        self._seconds: Counter[str] = Counter()
        self._engines: dict[str, None] = {}
        self._began = time.perf_counter()

    def add(self, result: Result) -> None:
        """Counts a result."""
        self.pictures += 1
        origin = result.uri.rpartition("#")[0] or result.uri
        self.inputs += origin != self._input
        self._input = origin
        self._seconds.update(result.seconds)
        self._engines[result.engine] = None

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / (time.perf_counter() - self._began)

    def means(self) -> str:
        """What a picture took, on average, and what it ran on."""
        means = {stage: seconds / self.pictures for stage, seconds in self._seconds.items()}
        return tr("{times} a picture  ({engines:; })", times=times_text(means), engines=list(self._engines))


@dataclass(frozen=True)
class Bar:
    """What a run shows while it goes on.

    Attributes:
        echo: Prints a line of data, above the bar if there is one.
        advance: Takes a tally and the number of inputs without a result.
    """

    echo: Callable[[str], object] = click.echo
    advance: Callable[[Tally, int], object] = lambda tally, others: None


@contextmanager
def bar(inputs: Callable[[], Iterable[object]], as_json: bool) -> Generator[Bar, None, None]:
    """Shows how far a run is.

    Nothing is shown without a terminal, with `zoo --quiet` or `--verbose`, or where lines of JSON go to the terminal.

    Args:
        inputs: Goes through the inputs once more, to count them; in a thread, because folders may be large.
        as_json: Whether results are lines of JSON.
    """
    lines_here = _is_terminal(sys.stdout)
    if quiet() or verbose() or not _is_terminal(sys.stderr) or (as_json and lines_here):
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:.1f} pictures/s"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        task = bars.add_task("", total=None, rate=0.0)

        def count() -> None:
            # What is wrong with an input is told when it is its turn.
            with suppress(Exception):
                bars.update(task, total=sum(1 for _ in inputs()))

        def advance(tally: Tally, others: int) -> None:
            bars.update(task, completed=tally.inputs + others, rate=tally.rate)

        threading.Thread(target=count, daemon=True).start()
        above = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        yield Bar(above, advance) if lines_here else Bar(advance=advance)


def _is_terminal(stream: TextIO | None) -> bool:
    # A stream that was closed before zoo began is None.
    return stream is not None and stream.isatty()

"""What `zoo predict` tells: all about a single picture, a line each of several, a bar meanwhile and a summary."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.notes import note, quiet, verbose
from zoo.text import printable

if TYPE_CHECKING:
    from zoo.results import Result

#: A result, and the files it was written to.
Written = tuple["Result", list[Path]]

# Classes in the line of a picture.
_SHOWN = 3


def told(results: Iterator[Written], echo: Callable[[str], object], as_json: bool, whole: bool) -> Iterator[Written]:
    """Prints results and passes them on.

    Args:
        results: The results of a run.
        echo: Prints a line.
        as_json: A line of JSON each.
        whole: All about every picture, also where there are several.
    """
    if as_json:
        for result, paths in results:
            document = {**result.to_dict(mask=False), "saved": [str(path) for path in paths]}
            echo(json.dumps(document, ensure_ascii=False))
            yield result, paths
        return
    first = next(results, None)
    if first is None:
        return
    second: Written | None = None
    fault: BaseException | None = None
    try:
        second = next(results, None)
    except BaseException as error:  # also Ctrl-C: what is done is told first
        fault = error
    lines = _whole if whole or second is None else _line
    for line in lines(*first):
        echo(line)
    yield first
    if fault is not None:
        raise fault
    if second is not None:
        for result, paths in itertools.chain([second], results):
            for line in lines(result, paths):
                echo(line)
            yield result, paths


def _whole(result: Result, paths: list[Path]) -> Iterator[str]:
    """The lines of data; notes go to standard error."""
    yield f"{_place(result)}  {result.model} on {result.device}"
    shares = result.shares()
    means = result.mean_scores() if result.scores is not None else {}
    column = max(len(name) for name in shares)
    for name, share in shares.items():
        score = f"  score {means[name]:.3f}" if name in means else ""
        yield f"  {name:<{column}}  {share:7.2%}{score}"
    if result.note:
        note(f"  {printable(result.note)}")
    note(f"  {_times(result.seconds)}  ({result.engine})")
    for path in paths:
        note(f"  saved {_shown(path)}")


def _line(result: Result, paths: list[Path]) -> Iterator[str]:
    shares = list(result.shares().items())
    parts = [_place(result), *(f"{name} {share:.1%}" for name, share in shares[:_SHOWN])]
    if len(shares) > _SHOWN:
        parts.append(f"and {len(shares) - _SHOWN} more")
    if result.note:
        parts.append(f"({printable(result.note)})")
    if paths:
        parts.append("-> " + ", ".join([_shown(paths[0]), *(printable(path.name) for path in paths[1:])]))
    yield "  ".join(parts)


def _place(result: Result) -> str:
    height, width = result.mask.shape
    return f"{_shown(result.uri)}  {height}x{width}"


def _times(seconds: Any) -> str:
    return "  ".join(f"{stage} {1000 * value:.0f} ms" for stage, value in seconds.items())


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
        return f"{_times(means)} a picture  ({'; '.join(self._engines)})"


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
    lines_here = sys.stdout.isatty()
    if quiet() or verbose() or not sys.stderr.isatty() or (as_json and lines_here):
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

"""What `zoo predict` tells: all about a single picture, a line each of several, a bar meanwhile and a summary."""

from __future__ import annotations

import itertools
import os
import stat
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from zoo.cli.cells import cells, padded
from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, note, verbose
from zoo.cli.progress.line import is_terminal, line
from zoo.cli.progress.segmenting import Count, pictures_text
from zoo.cli.tables import json_text, times_text
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.distributed import ClusterPredictions, SavedResult
    from zoo.errors import ZooError
    from zoo.results import Failure, Predictions, Result

#: A result, and the files it was written to.
Written = tuple["Result | SavedResult", "Sequence[Path | str]"]
_Lines = Callable[["Result | SavedResult", "Sequence[Path | str]"], Iterator[str]]

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
    """

    def __init__(
        self, predictions: Predictions | ClusterPredictions, passed: Callable[[], int], *, as_json: bool, whole: bool
    ) -> None:
        self.tally = Tally()
        self.finished: deque[Written] = deque()
        self._predictions, self._passed = predictions, passed
        self._as_json, self._whole = as_json, whole
        self._failures = 0

    @property
    def done(self) -> int:
        """Inputs that are done: told, failed or passed over."""
        return self.tally.inputs + len(self._predictions.failures) + self._passed()

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
        for written in list(self.finished):
            self._print(written, _json if self._as_json else _line)
        self._tell_failures()

    def _print(self, written: Written, lines: _Lines) -> None:
        told = False
        for text in lines(*written):
            sys.stdout.write(f"{text}\n")
            if not told:
                # Before the system takes the line, which is long: Ctrl-C may come meanwhile, and the stream has it.
                told = True
                self._count(written)
            click.echo(nl=False)
        self._tell_failures()

    def _count(self, written: Written) -> None:
        if self.finished:
            self.finished.popleft()
        self.tally.add(written[0])

    def _tell_failures(self) -> None:
        failures = self._predictions.failures
        for failure in failures[self._failures :] if self._as_json else ():
            document = {"name": failure.name, "source": failure.uri, "error": _error(failure.error)}
            click.echo(json_text(document))
        self._failures = len(failures)


def _error(error: ZooError) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint, "values": error.values}


def _json(result: Result | SavedResult, paths: Sequence[Path | str]) -> Iterator[str]:
    document = {**result.to_dict(mask=False), "saved": [str(path) for path in paths]}
    yield json_text(document)


def _whole(result: Result | SavedResult, paths: Sequence[Path | str]) -> Iterator[str]:
    """The lines of data; notes go to standard error."""
    yield tr("{place}  {model} on {device}", place=_place(result), model=result.model, device=result.device)
    shares = {name: (printable(name), share) for name, share in result.shares().items()}
    means = {area["name"]: area["score"] for area in result.to_dict(False)["classes"] if "score" in area}
    column = max(cells(shown) for shown, _ in shares.values())
    for name, (shown, share) in shares.items():
        score = tr("  score {mean:.3f}", mean=means[name]) if name in means else ""
        yield f"  {padded(shown, column)}  {share:7.2%}{score}"
    if result.note:
        note("  {note}", note=result.note)
    note("  {times}  ({engine})", times=times_text(result.seconds), engine=result.engine)
    if verbose() and result.why:
        note("  {engine}: {why}", engine=result.engine, why=result.why)
    for path in paths:
        note("  saved {path}", path=_shown(path))


def _line(result: Result | SavedResult, paths: Sequence[Path | str]) -> Iterator[str]:
    shares = list(result.shares().items())
    parts = [_place(result), *(f"{printable(name)} {share:.1%}" for name, share in shares[:_SHOWN])]
    if len(shares) > _SHOWN:
        parts.append(tr("and {count} more", count=len(shares) - _SHOWN))
    if result.note:
        parts.append(f"({printable(translate(result.note))})")
    if paths:
        parts.append("-> " + ", ".join([_shown(paths[0]), *(printable(os.path.basename(path)) for path in paths[1:])]))
    yield "  ".join(parts)


def _place(result: Result | SavedResult) -> str:
    height, width = result.size
    # What has no path or address, as standard input, is known by a digest, which says nothing to people.
    place = _shown(result.uri) if os.path.isabs(result.uri) or "://" in result.uri else printable(result.name)
    return f"{place}  {height}x{width}"


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

    def add(self, result: Result | SavedResult) -> None:
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


def run_line(telling: Telling, count: Count, as_json: bool) -> AbstractContextManager[None]:
    """Shows how far a run is, as long as the block runs.

    Nothing is shown where standard output is a pipe, whose reader may print on this terminal, or where lines of JSON
    go to the terminal.

    Args:
        telling: What is told of the run.
        count: Of its inputs.
        as_json: Whether results are lines of JSON.
    """
    if _is_pipe(sys.stdout) or (as_json and is_terminal(sys.stdout)):
        return nullcontext()
    began = time.monotonic()
    return line(lambda: pictures_text(telling.done, count.total, telling.tally.pictures, began))


def _is_pipe(stream: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # it is none of the system's
        return False


def summary(failures: Sequence[Failure], tally: Tally, folder: str | Path | None, passed: int) -> None:
    """Tells at the end what failed, how many pictures there were, and what they took.

    Args:
        failures: Inputs that gave no result.
        tally: The others.
        folder: Where results were written; None for nowhere.
        passed: Inputs that were passed over.
    """
    for failure in failures:
        alert(printable(failure.error.message))
    if passed:
        note(
            "{passed} passed over: their results are there. Which model and options made them is not looked at.",
            passed=passed,
        )
    if failures:
        alert("{pictures} segmented, {count} failed.", pictures=tally.pictures, count=len(failures))
    elif tally.pictures > 1:
        note("{pictures} segmented, {rate:.1f} a second.", pictures=tally.pictures, rate=tally.rate)
    if tally.pictures > 1:
        note("  {means}", means=tally.means())
    if folder is None and tally.pictures:
        note("Nothing was saved. Add --save-path FOLDER to keep pictures and masks.")

"""How a run of `zoo train` is shown and interrupted."""

from __future__ import annotations

import contextlib
import functools
import math
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from zoo.base.free_memory import PROC
from zoo.base.peak_memory import family_memory, peak_memory
from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, note
from zoo.cli.progress.figures import left
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
from zoo.message import shell_word

if TYPE_CHECKING:
    from zoo.learn.place import Place
    from zoo.learn.run.configuration import Configuration
    from zoo.learn.run.data import RunData
    from zoo.learn.run.run_folder import RunFolder
    from zoo.learn.training import Progress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds between two looks at the memory, for which the system goes through all of it.
_LOOK = 5.0


def run(folder: RunFolder, configuration: Configuration, found: RunData, place: Place) -> int:
    """Carries a run out, shows how it goes and returns the exit code.

    Args:
        folder: Its folder, with a configuration.
        configuration: What it does.
        found: Its data.
        place: Where it runs.
    """
    with loading("building {model}", model=configuration["model"]):
        from zoo.learn.run.carry_out import carry_out
    from zoo.learn.run.run_page import PAGE_FILE, write_page
    from zoo.learn.training.amp import computes_mixed

    train = configuration["train"]
    carry = functools.partial(carry_out, folder, found)
    if len(place.devices) > 1:
        from zoo.learn.run.together.launched import carry_out_together

        carry = functools.partial(carry_out_together, folder, found, place)
    else:
        place.take()
    if train.get("amp", False) and not computes_mixed():
        note("train.amp is not used: paddle computes in float32 on this device.")
    state = _State(train["iterations"], train["batch_size"] * train["accumulate"])

    def evaluated(iteration: int, miou: float) -> None:
        note("iteration {iteration}: mIoU {miou:.2f}", iteration=iteration, miou=100 * miou)
        write_page(folder, lambda text: str(translate(text)))

    hold = contextlib.nullcontext() if len(place.devices) > 1 else folder.held()
    with hold, _signals() as got, line(lambda: state.text):
        outcome = carry(stop=lambda: bool(got), report=state.step, evaluated=evaluated)
    if outcome.skipped:
        alert(
            "{count} of {all} pictures could not be read or were changed, and were passed over; {file} names them.",
            count=outcome.skipped,
            all=len(found.train),
            file=folder.path / "train.jsonl",
        )
    if outcome.late:
        note(
            "The time is up ({hours:g} h) at iteration {iteration} of {iterations}; a checkpoint is written. Go on: "
            "zoo train --resume {folder} --hours {more:g}",
            hours=configuration["train"]["hours"],
            iteration=outcome.iteration,
            iterations=configuration["train"]["iterations"],
            folder=shell_word(folder.path),
            more=2 * configuration["train"]["hours"],
        )
    elif not outcome.finished:
        note(
            "Interrupted at iteration {iteration}; a checkpoint is written. Run: zoo train --resume {folder}",
            iteration=outcome.iteration,
            folder=shell_word(folder.path),
        )
        # As shells count.
        return 128 + got[0]
    click.echo(
        tr(
            "mIoU {miou:.2f} on the validation pictures, at iteration {best}",
            miou=100 * outcome.miou,
            best=outcome.best,
        )
    )
    note(
        "{page} shows how it went. Run: zoo export {folder} -o bundle",
        page=folder.path / PAGE_FILE,
        folder=shell_word(folder.path),
    )
    return 0


class _State:
    """What the line of progress shows."""

    def __init__(self, iterations: int, pictures: int) -> None:
        self._iterations, self._pictures, self._began = iterations, pictures, time.monotonic()
        self._first = self._done = 0
        self._loss = math.nan
        self._rate = 0.0
        self._memory, self._looked = 0, -math.inf

    def step(self, progress: Progress) -> None:
        self._first = self._first or progress.iteration
        self._done, self._loss, self._rate = progress.iteration, progress.loss, progress.learning_rate

    @property
    def text(self) -> str:
        if not self._done:
            return ""
        done = self._done - self._first + 1
        seconds = (time.monotonic() - self._began) / done
        return tr(
            "{done} of {iterations}  loss {loss:.4f}  rate {rate:.2e}  {speed:.1f} pictures a second  "
            "{memory:.1f} GB  {left}",
            done=self._done,
            iterations=self._iterations,
            loss=self._loss,
            rate=self._rate,
            speed=self._pictures / seconds,
            memory=self._most_memory() / 1e9,
            left=left(seconds * (self._iterations - self._done)),
        )

    def _most_memory(self) -> int:
        """Returns the most memory that the processes of the run were seen to have together."""
        if time.monotonic() - self._looked >= _LOOK:
            found = family_memory(PROC)
            self._memory = max(self._memory, peak_memory() if found is None else found)
            self._looked = time.monotonic()
        return self._memory


@contextmanager
def _signals() -> Generator[list[int], None, None]:
    """Notes Ctrl-C and SIGTERM in place of ending; a second one ends at once."""
    got: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield got
        return

    def note_it(number: int, frame: Any) -> None:
        if got:
            raise KeyboardInterrupt
        got.append(number)
        note("A checkpoint is written; once more ends at once.")

    before = {number: signal.signal(number, note_it) for number in _SIGNALS}
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""`zoo train`: a model on one's own data."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.base.peak_memory import peak_memory
from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr, translate
from zoo.cli.notes import note
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading

if TYPE_CHECKING:
    from zoo.learn.run.configuration import Configuration
    from zoo.learn.run.data import RunData
    from zoo.learn.run.run_folder import RunFolder
    from zoo.learn.training import Progress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A proof that takes a minute; --set says otherwise.
_SHORT = ("train.iterations=12", "train.evaluate_every=4", "train.batch_size=2", "train.accumulate=1")


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the run; new or empty.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with the run in this folder, exactly.")
@click.option("--pretrained", help="Begin with: a file, run, export folder, `official`, a model's name.")
@click.option("--config", type=click.Path(path_type=Path), help="YAML file with settings, some or all.")
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="A setting, such as train.lr=0.01.")
@click.option("--hours", type=click.FloatRange(0, 10**6, min_open=True), help="End after so many hours, all told.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Seed of order and augmentation.")
@click.option("--dry-run", is_flag=True, help="Check the data, show the settings, and train nothing.")
@click.option("--prove-resume", is_flag=True, help="Kill a short run at random moments, and show that nothing is lost.")
@click.pass_context
def train(
    ctx: click.Context,
    model: str | None,
    data: Path | None,
    output: Path | None,
    resume: Path | None,
    pretrained: str | None,
    config: Path | None,
    given: tuple[str, ...],
    hours: float | None,
    seed: int,
    dry_run: bool,
    prove_resume: bool,
) -> None:
    """Train MODEL on DATA, a folder with images/, annotations/, train.txt, val.txt and labels.txt.

    DATA is checked first, as by `zoo data check`; what is done is shown before the first step.

    Ctrl-C writes a checkpoint; --resume goes on as if nothing had happened.
    """
    from zoo.learn.run.run_folder import RunFolder

    if resume is not None:
        begun = {"MODEL": model, "-o": output, "--config": config, "--set": given or None, "--pretrained": pretrained}
        if wrong := [name for name, value in begun.items() if value is not None]:
            said = tr("A run is resumed with its own settings; leave {wrong:, } out.", wrong=wrong)
            raise click.UsageError(said, ctx)
        folder = RunFolder(resume)
        configuration = folder.configuration()
        found = _read(Path(configuration["data"]))
        if hours is not None:
            configuration["train"]["hours"] = hours
            folder.configure(configuration)
    else:
        if model is None or data is None or (output is None and not dry_run):
            raise click.UsageError(tr("MODEL, DATA and -o are needed, or --resume."), ctx)
        folder = RunFolder(Path("run") if output is None else output)
        found = _read(data)
        if prove_resume:
            given = (*_SHORT, *given)
        configuration = _settings(model, data, found, pretrained, config, given, seed)
        configuration["train"]["hours"] = hours or configuration["train"]["hours"]
        _show(configuration, found)
        if dry_run:
            return
        if prove_resume:
            _prove(folder.path, configuration)
            return
        folder.begin(configuration, found.labels.names)
    ctx.exit(_run(folder, configuration, found))


def _read(data: Path) -> RunData:
    """Reads the data, and tells what is odd about it."""
    from zoo.cli.progress.counting import Counting
    from zoo.learn.run.data import read_run_data

    counting = Counting()
    with line(counting.text):
        found = read_run_data(data, counting)
    for text in found.notes:
        note(text)
    return found


def _settings(
    model: str,
    data: Path,
    found: RunData,
    pretrained: str | None,
    config: Path | None,
    given: tuple[str, ...],
    seed: int,
) -> Configuration:
    """Returns the whole configuration of a new run."""
    from zoo.base.free_memory import CGROUP, PROC, read_memory
    from zoo.learn.run.configuration import CONFIGURATION
    from zoo.learn.run.settle import settle
    from zoo.settings.yaml_text import read_yaml

    memory = read_memory(PROC, CGROUP)
    with loading("measuring {model}", model=model):
        configuration, told = settle(
            model,
            data,
            found,
            pretrained=pretrained,
            file=None if config is None else read_yaml(config, CONFIGURATION),
            given=given,
            seed=seed,
            free=math.inf if memory is None else memory.free,
        )
    if memory is not None:
        note(told)
    return _with_pretrained(configuration, len(found.labels))


def _with_pretrained(configuration: Configuration, classes: int) -> Configuration:
    """Looks at the weights that the run begins with, and tells what is taken of them."""
    if configuration["pretrained"] is None:
        return configuration
    with loading("reading {weights}", weights=configuration["pretrained"]) as progress:
        from zoo.learn.run.pretrained import look_at_pretrained

        beginning = look_at_pretrained(configuration, classes, progress)
    note(
        "{taken} arrays of {weights} are taken; {left} begin anew, because the classes differ."
        if beginning.left
        else "{taken} arrays of {weights} are taken: all.",
        taken=beginning.taken,
        weights=configuration["pretrained"],
        left=len(beginning.left),
    )
    return beginning.configuration


def _show(configuration: Configuration, found: RunData) -> None:
    from zoo.settings.yaml_text import write_yaml

    said = {key: value for key, value in configuration.items() if key != "data"}
    click.echo(write_yaml(said), nl=False)
    note(
        "{train} pictures to learn from, {val} to measure on, {classes} classes.",
        train=len(found.train),
        val=len(found.val),
        classes=len(found.labels),
    )


def _prove(output: Path, configuration: Configuration) -> None:
    """Shows that a run that is killed goes on exactly.

    Raises:
        TrainingError: It does not.
    """
    from zoo.errors import TrainingError
    from zoo.learn.run.prove import Kill, prove_resume

    def told(kill: Kill) -> None:
        note(
            "killed after iteration {iteration}, while a checkpoint was written"
            if kill.saving
            else "killed after iteration {iteration}",
            iteration=kill.iteration,
        )

    with loading("running {model} twice", model=configuration["model"]):
        proof = prove_resume(configuration, output, told)
    if proof.different:
        raise TrainingError(
            "The run that was killed {kills} times differs from the other in {different:, }.",
            "Where it ran on the processor, report it with {folder}; other devices may add in another order each time.",
            kills=len(proof.kills),
            different=proof.different,
            folder=output,
        )
    click.echo(
        tr(
            "killed {kills} times and resumed: {files} files of weights and log, all equal to those of the undisturbed "
            "run, byte for byte",
            kills=len(proof.kills),
            files=len(proof.files),
        )
    )


def _run(folder: RunFolder, configuration: Configuration, found: RunData) -> int:
    """Carries the run out and returns the exit code."""
    with loading("building {model}", model=configuration["model"]):
        from zoo.learn.run.carry_out import carry_out
    from zoo.learn.run.run_page import PAGE_FILE, write_page
    from zoo.learn.training.amp import computes_mixed

    train = configuration["train"]
    if train.get("amp", False) and not computes_mixed():
        note("train.amp is not used: paddle computes in float32 on this device.")
    state = _State(train["iterations"], train["batch_size"] * train["accumulate"])

    def evaluated(iteration: int, miou: float) -> None:
        note("iteration {iteration}: mIoU {miou:.2f}", iteration=iteration, miou=100 * miou)
        write_page(folder, lambda text: str(translate(text)))

    with _signals() as got, line(lambda: state.text):
        outcome = carry_out(folder, found, stop=lambda: bool(got), report=state.step, evaluated=evaluated)
    if outcome.late:
        note(
            "The time is up ({hours:g} h) at iteration {iteration} of {iterations}; a checkpoint is written. Go on: "
            "zoo train --resume {folder} --hours {more:g}",
            hours=configuration["train"]["hours"],
            iteration=outcome.iteration,
            iterations=configuration["train"]["iterations"],
            folder=folder.path,
            more=2 * configuration["train"]["hours"],
        )
    elif not outcome.finished:
        note(
            "Interrupted at iteration {iteration}; a checkpoint is written. Run: zoo train --resume {folder}",
            iteration=outcome.iteration,
            folder=folder.path,
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
        "{page} shows how it went. Run: zoo export {folder} -o bundle", page=folder.path / PAGE_FILE, folder=folder.path
    )
    return 0


class _State:
    """What the line of progress shows."""

    def __init__(self, iterations: int, pictures: int) -> None:
        self._iterations, self._pictures, self._began = iterations, pictures, time.monotonic()
        self._first = self._done = 0
        self._loss = math.nan
        self._rate = 0.0

    def step(self, progress: Progress) -> None:
        self._first = self._first or progress.iteration
        self._done, self._loss, self._rate = progress.iteration, progress.loss, progress.learning_rate

    @property
    def text(self) -> str:
        if not self._done:
            return ""
        done = self._done - self._first + 1
        seconds = (time.monotonic() - self._began) / done
        left = seconds * (self._iterations - self._done)
        return tr(
            "{done} of {iterations}  loss {loss:.4f}  rate {rate:.2e}  {speed:.1f} pictures a second  "
            "{memory:.1f} GB  {left} left",
            done=self._done,
            iterations=self._iterations,
            loss=self._loss,
            rate=self._rate,
            speed=self._pictures / seconds,
            memory=peak_memory() / 1e9,
            left=f"{int(left) // 60}:{int(left) % 60:02d}",
        )


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

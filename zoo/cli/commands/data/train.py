"""`zoo train`: a model on one's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.commands.data.train_run import run
from zoo.cli.language import tr
from zoo.cli.notes import alert, note
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading

if TYPE_CHECKING:
    from zoo.learn.place import Place
    from zoo.learn.run.configuration import Configuration
    from zoo.learn.run.data import RunData
    from zoo.learn.run.run_folder import RunFolder


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
@click.option("--device", default="cpu", help="Where it runs: cpu, gpu:0, npu:0,1 for several, or auto.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, help="Processes that share the processor.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Seed of order and augmentation; by default 0.")
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
    device: str,
    processes: int,
    seed: int | None,
    dry_run: bool,
    prove_resume: bool,
) -> None:
    """Train MODEL on DATA, a folder with images/, annotations/, train.txt, val.txt and labels.txt.

    DATA is checked first, as by `zoo data check`; what is done is shown before the first step.

    Ctrl-C writes a checkpoint; --resume goes on as if nothing had happened.
    """
    from zoo.bundle.settings_file import RUN
    from zoo.errors import DatasetError
    from zoo.learn.place import training_place
    from zoo.learn.run.configuration import skips
    from zoo.learn.run.run_folder import RunFolder

    if prove_resume and (device, processes, dry_run) != ("cpu", 1, False):
        said = tr("--prove-resume runs in one process on the processor; leave --device, --processes, --dry-run out.")
        raise click.UsageError(said, ctx)
    place = training_place(device, processes)
    if len(place.devices) == 1:
        # paddle reads them when it is imported.
        os.environ.update(place.environ)
    if resume is not None:
        begun = {"MODEL": model, "-o": output, "--config": config, "--set": given or None, "--pretrained": pretrained}
        begun |= {"DATA": data, "--seed": seed, "--dry-run": dry_run or None, "--prove-resume": prove_resume or None}
        if wrong := [name for name, value in begun.items() if value is not None]:
            said = tr("A run is resumed with its own settings; leave {wrong:, } out.", wrong=wrong)
            raise click.UsageError(said, ctx)
        folder = RunFolder(resume)
        configuration = folder.configuration()
        data = Path(configuration["data"])
        if not data.exists():
            raise DatasetError(
                "The run in {folder} learns from {data}, and this does not exist any more.",
                "Put it back there, or write where it is now behind `data:` in {file}.",
                folder=folder.path,
                data=data,
                file=folder.path / RUN,
            )
        found = _read_again(folder, data) if skips(configuration) else _read(data)
        if hours is not None:
            configuration["train"]["hours"] = hours
            folder.configure(configuration)
    else:
        if model is None or data is None or (output is None and not dry_run):
            raise click.UsageError(tr("MODEL, DATA and -o are needed, or --resume."), ctx)
        folder = _new_folder(output)
        found = _read(data)
        if prove_resume:
            given = (*_SHORT, *given)
        if seed is not None:
            given = (f"train.seed={seed}", *given)
        configuration = _settings(model, data, found, pretrained, config, given, place)
        configuration["train"]["hours"] = hours or configuration["train"]["hours"]
        _show(configuration, found)
        if dry_run:
            return
        if prove_resume:
            _prove(folder.path, configuration)
            return
        folder.begin(configuration, found.labels.names)
    ctx.exit(run(folder, configuration, found, place))


def _new_folder(output: Path | None) -> RunFolder:
    """Returns the folder of a new run, which is refused before the time that reading the data takes."""
    from zoo.learn.run.run_folder import RunFolder

    if output is None:
        return RunFolder(Path("run"))
    folder = RunFolder(output)
    folder.check_new()
    return folder


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


def _read_again(folder: RunFolder, data: Path) -> RunData:
    """Reads the data of a run that passes over what has changed since it began."""
    from zoo.cli.progress.counting import Counting
    from zoo.learn.run.kept.data_file import DATA, read_data, recognized

    if not (folder.path / DATA).is_file():
        return _read(data)
    counting = Counting()
    with line(counting.text):
        found = recognized(read_data(folder.path / DATA, data), counting)
    for text in found.notes:
        alert(text)
    return found


def _settings(
    model: str,
    data: Path,
    found: RunData,
    pretrained: str | None,
    config: Path | None,
    given: tuple[str, ...],
    place: Place,
) -> Configuration:
    """Returns the whole configuration of a new run."""
    from zoo.base.free_memory import CGROUP, PROC, read_memory
    from zoo.learn.run.begin.settle import settle
    from zoo.learn.run.configuration import CONFIGURATION
    from zoo.settings.yaml_text import read_yaml

    memory = read_memory(PROC, CGROUP) if place.devices[0] == "cpu" else None
    with loading("measuring {model}", model=model):
        configuration, told = settle(
            model,
            data,
            found,
            pretrained=pretrained,
            file=None if config is None else read_yaml(config, CONFIGURATION),
            given=given,
            free=None if memory is None else memory.free,
            processes=len(place.devices),
        )
    if told is not None:
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
            "Report it with {folder}.",
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

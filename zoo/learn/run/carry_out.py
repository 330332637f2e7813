"""Carries a run out, from its configuration to the best checkpoint; also after it was interrupted, exactly.

Everything of a run follows from its configuration, its data and the number of the iteration. Its log is written so that
a resumed run writes what the uninterrupted one would have written: what stands there of iterations after the newest
whole checkpoint is dropped, and run again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from zoo.base.host import HOST
from zoo.bundle.facts import Confidence
from zoo.contract.recipe import Recipe
from zoo.contract.spec import Normalize, Step
from zoo.errors import CheckpointError, DatasetError
from zoo.learn.data import Sample
from zoo.learn.dataset.dataset import name_in
from zoo.learn.networks import build_network
from zoo.learn.run.configuration import Configuration, recipe_of, skips
from zoo.learn.run.data import RunData
from zoo.learn.run.kept.data_file import DATA, write_data
from zoo.learn.run.pretrained import read_pretrained
from zoo.learn.run.run_figures import SHOWN, draw_batch, draw_best, draw_classes, draw_course
from zoo.learn.run.run_folder import RunClock, RunFolder
from zoo.learn.run.steps import padded_steps, run_steps
from zoo.learn.run.tensorboard import tensorboard
from zoo.registry import find_model

with HOST.undisturbed():
    import paddle
    from paddle import nn

    from zoo.learn.examples import Examples
    from zoo.learn.run.kept.kept_checkpoints import damaged_behind, forget_old, keep_best
    from zoo.learn.run.validation import validate_average
    from zoo.learn.training import Checkpoint, Progress, newest_checkpoint, train
    from zoo.learn.training.amp import computes_mixed
    from zoo.learn.training.checkpoint import check_identity
    from zoo.learn.training.process_group import ALONE, ProcessGroup

_log = logging.getLogger("zoo.learn.run")
# Settings that do not change what a run computes.
_FREE = ("workers", "keep", "patience", "hours", "tensorboard", "on_error")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        iteration: Iterations done.
        finished: Whether it did all that it was to do.
        miou: The best mean IoU on the validation pictures, a fraction; NaN where none was measured.
        best: The iteration it was measured at; 0 where none was.
        late: Whether it ended because its hours were over.
        skipped: How many pictures were passed over.
    """

    iteration: int
    finished: bool
    miou: float
    best: int
    late: bool
    skipped: int = 0


def carry_out(
    folder: RunFolder,
    data: RunData,
    *,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = lambda progress: None,
    evaluated: Callable[[int, float], None] = lambda iteration, miou: None,
    team: ProcessGroup = ALONE,
) -> RunOutcome:
    """Runs until the end, or until somebody says stop.

    Args:
        folder: Its folder, with a configuration.
        data: Its data.
        stop: Asked after every iteration.
        report: Called after every iteration.
        evaluated: Called with the iteration and the mean IoU after an evaluation.
        team: The processes of the run; this is the first, and the others `follow`.

    Raises:
        TrainingError: The loss or a gradient is not finite.
        CheckpointError: The checkpoints belong to another run.
        ZooError: As `build_network` and `read_run_data`.
    """
    run = _opened(folder, data)
    network, recipe, steps, configuration, newest = run
    settings = configuration["train"]
    clock = RunClock(folder, settings.get("hours"))
    folder.rewind(0 if newest is None else newest.iteration)
    every, patience = settings["evaluate_every"], settings["patience"]

    def has_stalled() -> bool:
        return patience is not None and folder.without_progress() >= patience

    def measure(checkpoint: Checkpoint) -> bool:
        """Evaluates where it is due; the checkpoint is the best one before the log says so."""
        if checkpoint.iteration % every == 0 or checkpoint.iteration == recipe.iterations or clock.is_over:
            confusion, compared, scores = validate_average(network, checkpoint, data, steps, configuration)
            if not confusion.miou <= folder.best_evaluation()[0]:
                keep_best(folder, checkpoint)
                draw_best(folder, data.labels, confusion, compared)
            folder.append(
                {
                    "iteration": checkpoint.iteration,
                    "miou": confusion.miou,
                    "accuracy": confusion.accuracy,
                    "iou": [None if math.isnan(value) else float(value) for value in confusion.iou],
                    "scores": {"pictures": len(scores), **Confidence.of(scores).plain()},
                }
            )
            add(checkpoint.iteration, {"mIoU": confusion.miou, "accuracy": confusion.accuracy})
            draw_course(folder, data.labels)
            evaluated(checkpoint.iteration, confusion.miou)
        forget_old(folder, checkpoint, settings["keep"])
        clock.note()
        return has_stalled()

    def told(progress: Progress) -> None:
        figures = {"loss": progress.loss, "learning_rate": progress.learning_rate}
        folder.append({"iteration": progress.iteration, **figures})
        add(progress.iteration, figures)
        report(progress)

    def passed_over(iteration: int, samples: Sequence[Sample]) -> None:
        if not team.rank:
            names = sorted({name_in(sample.image, Path(configuration["data"])) for sample in samples})
            folder.append({"iteration": iteration, "skipped": names})

    if newest is None:
        write_data(data, Path(configuration["data"]), folder.path / DATA)
        draw_classes(folder, data.labels, data.pixels)
        shown = replace(recipe, batch_size=min(SHOWN, recipe.pictures_per_step), devices=1)
        ignored, value_range = data.labels.ignore_index, configuration["value_range"]
        first = Examples(data.train, shown, _normalize(steps), ignored, settings["seed"], 0, value_range)
        draw_batch(folder, data.labels, _normalize(steps), (first[number][:2] for number in range(shown.batch_size)))
    with tensorboard(folder, settings.get("tensorboard", False), 0 if newest is None else newest.iteration) as add:
        if newest is not None and newest.iteration not in folder.evaluations():
            # It ended between the checkpoint and its evaluation.
            measure(newest)
        last = newest
        if not team.agree(last is not None and (clock.is_over or has_stalled())):
            last = _trained(
                run,
                folder,
                data,
                team,
                passed_over,
                report=told,
                stop=lambda: stop() or clock.is_over,
                checked=measure,
            )
    assert last is not None
    miou, best = folder.best_evaluation()
    finished = last.iteration == recipe.iterations or has_stalled()
    late = clock.is_over and not finished
    return RunOutcome(last.iteration, finished, miou if best else float("nan"), best, late, len(folder.skipped()))


def follow(folder: RunFolder, data: RunData, team: ProcessGroup) -> None:
    """Trains with the process that carries the run out, and writes nothing.

    Raises:
        ZooError: As `carry_out`.
    """
    run = _opened(folder, data)
    if not team.agree(False):
        _trained(run, folder, data, team, lambda iteration, samples: None)


class _Run(NamedTuple):
    """What all processes of a run have."""

    network: nn.Layer
    recipe: Recipe
    steps: tuple[Step, ...]
    configuration: Configuration
    newest: Checkpoint | None


def _opened(folder: RunFolder, data: RunData) -> _Run:
    configuration = folder.configuration()
    found = find_model(configuration["model"])
    recipe = recipe_of(configuration, data.class_weights)
    paddle.seed(configuration["train"]["seed"])
    newest = _newest(folder, data, configuration)
    # A checkpoint has weights of its own: what the run began with may be gone by then.
    weights = read_pretrained(configuration) if newest is None else None
    network = build_network(found.card.name, len(data.labels), weights=weights, reset_head=True)
    steps = padded_steps(run_steps(found.card.preprocess), found.card.network_stride)
    return _Run(network, recipe, steps, configuration, newest)


def _trained(
    run: _Run,
    folder: RunFolder,
    data: RunData,
    team: ProcessGroup,
    passed_over: Callable[[int, Sequence[Sample]], None],
    **calls: Any,
) -> Checkpoint:
    settings = run.configuration["train"]
    return train(
        run.network,
        data.train,
        run.recipe,
        folder.path,
        normalize=_normalize(run.steps),
        value_range=run.configuration["value_range"],
        ignore_index=data.labels.ignore_index,
        seed=settings["seed"],
        checkpoint_every=settings["evaluate_every"],
        report_every=1,
        workers=settings["workers"],
        identity=_identity(run.configuration, data),
        amp=settings.get("amp", False) and computes_mixed(),
        team=team,
        skipped=passed_over if skips(run.configuration) else None,
        **calls,
    )


def _newest(folder: RunFolder, data: RunData, configuration: Configuration) -> Checkpoint | None:
    """Returns the newest whole checkpoint, if it is of this run and its data; nothing is changed before that is known.

    Raises:
        DatasetError: The data is not what the run began with.
        CheckpointError: The checkpoint is of another run, or none can be read.
    """
    if data.labels.names != (began := folder.labels()):
        raise DatasetError(
            "The run in {folder} has {count} classes ({began:, }), its data now {now_count} ({now:, }).",
            "Restore labels.txt of the data, or begin a new run.",
            folder=folder.path,
            count=len(began),
            began=began,
            now_count=len(data.labels),
            now=data.labels.names,
        )
    newest = newest_checkpoint(folder.path)
    if newest is None:
        if folder.best.is_dir():
            raise CheckpointError(
                "The run in {folder} has its best checkpoint, but none to go on from: its iter_* are gone.",
                "Bring one back, or take what there is: zoo export {folder} -o bundle",
                folder=folder.path,
            )
        return None
    if newest.identity.get("data") != data.digest:
        raise DatasetError(
            "The data in {data} is not what the run in {folder} learned from: pictures, lists or masks have changed.",
            "Restore it, or begin a new run with -o.",
            data=configuration["data"],
            folder=folder.path,
        )
    check_identity(newest, {**newest.identity, **_identity(configuration, data)}, folder.path)
    for path in damaged_behind(folder, newest):
        _log.warning("%s is damaged; the run goes on from iteration %d", path, newest.iteration)
    return newest


def _normalize(steps: tuple[Step, ...]) -> Normalize:
    return next(step for step in steps if isinstance(step, Normalize))


def _identity(configuration: Configuration, data: RunData) -> dict[str, Any]:
    train_settings = {key: value for key, value in configuration["train"].items() if key not in _FREE}
    said = {key: value for key, value in configuration.items() if key not in ("data", "train")}
    # Another version may compute otherwise, and a run goes on exactly or not at all.
    versions = {"zoo": version("zoo-core"), "paddlepaddle": paddle.__version__}
    return {"settings": {**said, "train": train_settings}, "data": data.digest, "versions": versions}

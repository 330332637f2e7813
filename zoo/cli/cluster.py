"""`--cluster`: the commands that many machines can carry out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from zoo.cli.language import tr, translate
from zoo.cli.notes import alert_interrupted, note, verbose
from zoo.cli.progress.line import line
from zoo.cli.progress.segmenting import Count, pictures_text
from zoo.cli.progress.windows_done import Windows
from zoo.cli.report import Telling, run_line, summary

if TYPE_CHECKING:
    from zoo.contract.labels import LabelSet
    from zoo.distributed.evaluating import RanOn
    from zoo.learn.data import Sample, TruthLabels
    from zoo.learn.evaluation import Evaluation
    from zoo.predict.pipeline import PipelineConfig

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cluster_option(command: _Command) -> _Command:
    """Adds --cluster to a command, which gets it as `cluster`: an address, "auto", or None."""
    return click.option(
        "--cluster",
        metavar="auto|HOST:PORT",
        help="Many machines, through Ray: HOST:PORT of its head; auto is the cluster of this machine, or this machine "
        "alone. All of them must see the files. --workers and --threads are of the cluster's workers.",
    )(command)


def predict_on_cluster(
    ctx: click.Context,
    config: PipelineConfig,
    said: Sequence[str],
    cluster: str,
    resume: bool,
    offline: bool | None,
    lock: Path | None,
    as_json: bool,
) -> None:
    """Carries out `zoo predict` on a cluster.

    Args:
        ctx: Of the command.
        config: The model and its options.
        said: The inputs, as they are spelt.
        cluster: The address.
        resume: Pass over inputs whose results are there.
        offline: As in `zoo.load`.
        lock: See there.
        as_json: Print lines of JSON.
    """
    from zoo.distributed.cluster import shown
    from zoo.distributed.predicting import run_on_cluster
    from zoo.registry.formats import format_suffixes

    place = ctx.params["save_path"] or config.save_path
    if "-" in said:
        raise click.UsageError(tr("Standard input cannot be read by many machines. Give a file that they see."), ctx)
    if place is not None and Path(place).suffix.lower() in format_suffixes() and not Path(place).is_dir():
        raise click.UsageError(tr("--cluster writes a file a picture: give -o a folder that all machines see."), ctx)
    if resume and place is None:
        raise click.UsageError(tr("--resume belongs to --save-path FOLDER: it looks there for results."), ctx)
    if not _is_given(ctx, "on_error"):
        # A million pictures do not stop at the first bad one; all of them are told at the end.
        config = config.override(on_error="skip")
    predictions = run_on_cluster(
        config,
        list(said),
        cluster=cluster,
        save_path=None if place is None else str(place),
        kinds={} if place is None else {kind: config.save_arguments(kind) for kind in config.save_kinds},
        resume=resume,
        workers=config.workers,
        offline=offline,
        lock=lock,
    )
    telling = Telling(predictions, lambda: predictions.passed, as_json=as_json, whole=verbose())
    interrupted: KeyboardInterrupt | None = None
    try:
        with closing(predictions):
            with line(lambda: str(translate(tr("joining the cluster, opening the model")))):
                first = next(predictions, None)
            if found := predictions.cluster:
                note("{cluster}", cluster=shown(found))
            with run_line(telling, Count(lambda: range(predictions.total)), as_json):
                telling.through((one, one.saved) for one in (() if first is None else _chained(first, predictions)))
    except KeyboardInterrupt as end:
        interrupted = end
    finally:
        telling.rest()
        summary(predictions.failures, telling.tally, None if place is None else str(place), predictions.passed)
    if interrupted is not None:
        ctx.exit(alert_interrupted(interrupted, predictions.total - telling.done))
    if predictions.failures:
        ctx.exit(3)


def tiff_on_cluster(
    source: Path,
    target: Path,
    model: str,
    options: dict[str, Any],
    cluster: str,
    offline: bool | None,
    lock: Path | None,
) -> Path:
    """Carries out `zoo tiff` on a cluster.

    Args:
        source: The picture.
        target: The label map.
        model: The model.
        options: Those that were given, by their names.
        cluster: The address.
        offline: As in `zoo.load`.
        lock: See there.

    Returns:
        The label map.
    """
    from zoo.distributed import predict_tiff

    workers, windows = options.pop("workers", None), Windows()
    with line(windows.text):
        return predict_tiff(
            source,
            target,
            model,
            cluster=cluster,
            workers=workers,
            offline=offline,
            lock=lock,
            progress=windows,
            **options,
        )


def evaluate_on_cluster(
    config: PipelineConfig,
    samples: Sequence[Sample],
    truth: TruthLabels | Callable[[LabelSet], TruthLabels | None],
    cluster: str,
    offline: bool | None,
    lock: Path | None,
    map_truth: bool,
    **arguments: Any,
) -> tuple[Evaluation, RanOn]:
    """Carries out `zoo evaluate` on a cluster.

    Args:
        config: The model and its options.
        samples: What is measured on.
        truth: What the masks hold, or what says so by the classes that are compared.
        cluster: The address.
        offline: As in `zoo.load`.
        lock: See there.
        map_truth: As in `zoo.learn.evaluation.evaluate`.
        arguments: Others of that function.

    Returns:
        The figures, and what they were computed on.
    """
    from zoo.distributed import evaluate
    from zoo.results.mapping import read_mapping
    from zoo.store.find import find_bundle

    classes = find_bundle(config.model, offline=offline, lock=lock).labels
    options = {**config.predict_arguments(), **config.load_arguments()}
    labels, workers = options.pop("labels", None), options.pop("workers", None)
    mapping = None if labels is None else read_mapping(labels, classes)
    compared = classes if mapping is None or map_truth else mapping.labels
    done, began = [0], time.monotonic()
    with line(lambda: pictures_text(done[0], len(samples), done[0], began)):
        return evaluate(
            config.model,
            samples,
            labels=mapping,
            map_truth=map_truth,
            truth_labels=truth(compared) if callable(truth) else truth,
            report=partial(done.__setitem__, 0),
            cluster=cluster,
            workers=workers,
            offline=offline,
            lock=lock,
            **arguments,
            **options,
        )


def _chained(first: Any, rest: Any) -> Any:
    yield first
    yield from rest


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT

"""Evaluation on many machines: every part of the list is counted where it is read, and the counts are added up."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from zoo.contract.labels import LabelMapping
from zoo.distributed.cluster import AUTO, connected
from zoo.distributed.ray_parts import run_parts, size_of_parts
from zoo.distributed.worker_model import WorkerModel, refuse_server
from zoo.errors import ClusterError
from zoo.learn.data import Sample, TruthLabels
from zoo.learn.evaluation import Evaluation
from zoo.learn.evaluation import evaluate as evaluate_here
from zoo.message import printable
from zoo.predict.pipeline import PipelineConfig
from zoo.results import Failure
from zoo.store.find import absolute_name

_LOG = logging.getLogger("zoo")


@dataclass(frozen=True, slots=True)
class RanOn:
    """What an evaluation really ran on, as of `Model`.

    Attributes:
        name: Name of the model.
        device: See there, like the others.
        engine: See there.
        precision: See there.
        why: See there.
    """

    name: str
    device: str
    engine: str
    precision: str
    why: str


@dataclass(frozen=True, slots=True)
class EvaluationAnswer:
    """What a part of the samples gave: its counts, what it ran on, and what was logged."""

    counts: Evaluation
    ran_on: RanOn
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class EvaluationWork:
    """Counts parts of a list of samples.

    Attributes:
        model: What is opened in every actor.
        arguments: Those of `zoo.learn.evaluation.evaluate` but the model, the samples and what is called meanwhile.
    """

    model: WorkerModel
    arguments: Mapping[str, Any]

    def open(self) -> None:
        """Opens the model, once in every actor."""
        self.model.open()

    def answer(self, part: Sequence[Sample]) -> EvaluationAnswer:
        """Counts a part."""
        model = self.model.opened
        with self.model.warnings() as warnings:
            counts = evaluate_here(model, part, report=lambda _: None, **self.arguments)
        ran_on = RanOn(model.name, model.device, model.engine, model.precision, str(model.why))
        return EvaluationAnswer(counts, ran_on, tuple(warnings))


def evaluate(
    model: str | os.PathLike[str],
    samples: Sequence[Sample],
    ignore_index: int | None = None,
    labels: LabelMapping | None = None,
    map_truth: bool = False,
    truth_labels: TruthLabels | None = None,
    report: Callable[[int], object] | None = None,
    boundary: bool = False,
    calibration: bool = False,
    *,
    cluster: str = AUTO,
    workers: int | None = None,
    offline: bool | None = None,
    lock: str | os.PathLike[str] | None = None,
    **options: Any,
) -> tuple[Evaluation, RanOn]:
    """Counts on a cluster how a model's masks agree with the true ones: the same integers as on one machine.

    Args:
        model: Name of a model, an export folder or a run, which every machine opens by itself.
        samples: As in `zoo.learn.evaluation.evaluate`, on files that all machines see; like the next seven.
        ignore_index: See there.
        labels: See there.
        map_truth: See there.
        truth_labels: See there.
        report: See there; it is called once a part.
        boundary: See there.
        calibration: See there; sums of scores may differ in their last digits.
        cluster: As in `zoo.distributed.predict`, like the next three.
        workers: See there.
        offline: See there.
        lock: See there.
        options: Options of `PipelineConfig`; `threads` are those of an actor.

    Returns:
        The figures, and what they were computed on.

    Raises:
        ClusterError: There is no cluster, or a part ended its worker again and again.
        ZooError: As `zoo.learn.evaluation.evaluate` and `zoo.load`.
    """
    config = PipelineConfig(str(model)).override(**options)
    refuse_server(config)
    names = {Path(os.path.abspath(one.image)): one.image for one in samples}
    there = [Sample(Path(os.path.abspath(one.image)), Path(os.path.abspath(one.mask))) for one in samples]
    size = size_of_parts(len(there))
    parts = [there[start : start + size] for start in range(0, len(there), size)]
    arguments: dict[str, Any] = {
        "ignore_index": ignore_index,
        "labels": labels,
        "map_truth": map_truth,
        "truth_labels": truth_labels,
        "boundary": boundary,
        "calibration": calibration,
        **{name: value for name, value in config.predict_arguments().items() if name != "labels"},
    }
    opened = WorkerModel(
        config.override(model=absolute_name(config.model)),
        offline=offline,
        lock=None if lock is None else Path(os.path.abspath(lock)),
    )
    answers: dict[int, EvaluationAnswer] = {}
    with connected(cluster) as found:
        opened, room = opened.placed(found, workers)
        for number, answer in run_parts(EvaluationWork(opened, arguments), parts, room):
            answers[number] = answer
            if report is not None:
                report(sum(len(parts[done]) for done in answers))
    if missing := [number for number in range(len(parts)) if number not in answers]:
        raise ClusterError(
            "{count} of {total} parts ended the process that counted them, each time they were tried; the first begins "
            "with {path}.",
            "Evaluate on a machine with more memory: zoo evaluate without --cluster",
            count=len(missing),
            total=len(parts),
            path=parts[missing[0]][0].image,
        )
    ordered = [answers[number] for number in range(len(parts))]
    for warning in dict.fromkeys(text for answer in ordered for text in answer.warnings):
        _LOG.warning("%s", printable(warning))
    return _as_named(reduce(add, (answer.counts for answer in ordered)), names), ordered[0].ran_on


def _as_named(counts: Evaluation, names: Mapping[Path, Path]) -> Evaluation:
    """Calls pictures as the list does."""
    return replace(
        counts,
        pictures=tuple(replace(one, image=names[one.image]) for one in counts.pictures),
        failures=tuple(Failure(one.name, str(names[Path(one.uri)]), one.error) for one in counts.failures),
    )

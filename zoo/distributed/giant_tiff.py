"""One giant TIFF on many machines: each makes the labels of some rows of windows, and one writes them in order."""

from __future__ import annotations

import itertools
import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from zoo.base.files import user_path
from zoo.bundle.bundle import settled
from zoo.distributed.cluster import AUTO, connected
from zoo.distributed.ray_parts import run_parts
from zoo.distributed.worker_model import WorkerModel, refuse_server
from zoo.errors import ClusterError
from zoo.message import printable
from zoo.predict.arguments import RunOptions
from zoo.predict.pipeline import PipelineConfig
from zoo.predict.plan import make_plan
from zoo.predict.run import answers_in_order
from zoo.predict.tiff import Progress, check_name, check_replaceable, check_windows, open_tiff
from zoo.predict.tiff.read import DataRows
from zoo.predict.tiff.segment import finished, opened_for, segment_part, told_range
from zoo.segment.channels import class_values
from zoo.segment.label_map import LabelMap
from zoo.segment.windows import Layout, WindowRows
from zoo.store.find import absolute_name, find_bundle

if TYPE_CHECKING:
    from zoo.predict.arguments import RunArguments

_LOG = logging.getLogger("zoo")

# Parts for each worker, so that the last ones end together; and rows of windows of a part, of which one more is run
# above it, that are worth it. The labels of a part are in memory whole.
_PARTS, _ROWS, _LABELS = 3, 4, 64 << 20


@dataclass(frozen=True, slots=True)
class StripAnswer:
    """The labels of a part.

    Attributes:
        shape: (n, W).
        dtype: Of the labels.
        content: The labels, compressed.
        own: The lowest and the highest of the picture's values of 16 bits there; None where there are none.
        engine: What ran them.
        warnings: What was logged.
    """

    shape: tuple[int, int]
    dtype: str
    content: bytes
    own: tuple[int, int] | None
    engine: str
    warnings: tuple[str, ...]

    @property
    def labels(self) -> LabelMap:
        """(n, W) uint8 or uint16."""
        return np.frombuffer(zlib.decompress(self.content), self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class StripWork:
    """Makes the labels of parts of one picture.

    Attributes:
        model: What is opened in every actor.
        options: The options of the run.
        source: The picture, an absolute path that all machines see.
    """

    model: WorkerModel
    options: RunOptions
    source: str

    def open(self) -> None:
        """Opens the model, once in every actor."""
        self.model.open()

    def answer(self, part: WindowRows) -> StripAnswer:
        """Makes the labels of a part.

        Raises:
            DecodeError: The picture is not there, or damaged.
        """
        model = self.model.opened
        plan = make_plan(model.bundle, self.options)
        value_range = plan.value_range if plan.value_range != "auto" else None
        with (
            self.model.warnings() as warnings,
            open_tiff(self.source, value_range) as rows,
            open_tiff(self.source, kind=DataRows) as data,
        ):
            labels = segment_part(
                rows,
                data,
                lambda batches: (
                    class_values(answer.output, model.bundle) for answer in answers_in_order(model.running, batches)
                ),
                plan,
                part,
            )
            content = zlib.compress(labels.tobytes(), 1)
            return StripAnswer(labels.shape, labels.dtype.name, content, rows.own, model.engine, tuple(warnings))


def predict_tiff(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    model: str | os.PathLike[str] = "starter",
    *,
    cluster: str = AUTO,
    workers: int | None = None,
    offline: bool | None = None,
    lock: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Path:
    """Segments a TIFF of any size on a cluster: the pixels of the label map are those of one machine, to the bit.

    Args:
        source: A TIFF that all machines see.
        target: The label TIFF, which the machine that starts the run writes.
        model: As in `zoo.distributed.predict`, like the next four.
        cluster: See there.
        workers: See there.
        offline: See there.
        lock: See there.
        progress: Called with every part that is done.
        options: Options of `PipelineConfig`; `threads` are those of an actor.

    Returns:
        The target.

    Raises:
        ClusterError: There is no cluster, or a part ended its worker again and again; nothing is left behind.
        ZooError: As `Model.predict_tiff`.
    """
    source, target = os.path.abspath(user_path(source)), user_path(target)
    check_name(target)
    config = PipelineConfig(str(model)).override(**options)
    refuse_server(config)
    lock_path = None if lock is None else Path(os.path.abspath(lock))
    bundle = settled(find_bundle(config.model, offline=offline, lock=lock_path))
    check_windows(bundle)
    run = replace(RunOptions.of(**cast("RunArguments", config.predict_arguments())), mode="slide")
    plan = make_plan(bundle, run)
    mark = f"zoo labels of {json.dumps(source)}"
    check_replaceable(target, mark)
    opened = WorkerModel(config.override(model=absolute_name(config.model)), offline=offline, lock=lock_path)
    own: list[tuple[int, int]] = []
    with opened_for(source, target, plan) as (rows, _), connected(cluster) as found:
        sliding = plan.sliding
        assert sliding is not None  # mode="slide" has windows or is refused
        opened, room = opened.placed(found, workers)
        layout = sliding.layout(rows.size)
        parts = _parts(layout, rows.size, room.count)
        answers = run_parts(StripWork(opened, run, source), parts, room, ordered=True)
        first_number, first = next(answers, (-1, None))
        if first is None:
            raise _lost(0, len(parts))

        def blocks() -> Iterator[LabelMap]:
            told: set[str] = set()
            began, done = time.perf_counter(), 0
            for place, (number, answer) in enumerate(itertools.chain([(first_number, first)], answers)):
                if number != place:
                    break
                done += answer.shape[0]
                own.extend([answer.own] if answer.own else [])
                for warning in answer.warnings:
                    if warning not in told:
                        told.add(warning)
                        _LOG.warning("%s", printable(warning))
                if progress is not None:
                    progress(_progress(layout, parts, place + 1, done, rows.size[0], time.perf_counter() - began))
                yield answer.labels
            if done != rows.size[0]:
                raise _lost(done, rows.size[0])

        description = f"{mark}, {json.dumps(bundle.model)}, {first.engine}, {plan.window_note}"
        path = finished(rows, target, blocks(), plan, description)
    told_range(source, plan, (min(low for low, _ in own), max(high for _, high in own)) if own else None)
    return path


def _parts(layout: Layout, size: tuple[int, int], workers: int) -> list[WindowRows]:
    """Cuts the rows of windows into parts."""
    count = len(layout.rows)
    step = layout.rows[min(1, count - 1)].start or size[0]
    rows = max(1, min(max(_ROWS, -(-count // (workers * _PARTS))), _LABELS // max(1, step * size[1])))
    return [WindowRows(first, min(first + rows, count)) for first in range(0, count, rows)]


def _progress(
    layout: Layout, parts: list[WindowRows], done_parts: int, done_rows: int, rows: int, seconds: float
) -> Progress:
    done, total = parts[done_parts - 1].stop * len(layout.columns), len(layout.rows) * len(layout.columns)
    return Progress(done_rows, rows, seconds, seconds / done * (total - done), done, total)


def _lost(done: int, total: int) -> ClusterError:
    return ClusterError(
        "The cluster lost a strip of the picture after {done} of {total} rows: it ended its worker each time.",
        "Take machines with more memory, or a smaller --window; or run it on one machine, without --cluster.",
        done=done,
        total=total,
    )

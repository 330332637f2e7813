"""A TIFF of any height to a label TIFF, strip by strip."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.errors import ConfigError, OutputError
from zoo.message import printable
from zoo.picture.levels import range_note
from zoo.predict.plan import Plan
from zoo.predict.steps import final_classes
from zoo.predict.tiff.read import DataRows, open_tiff
from zoo.predict.tiff.write import write_labels
from zoo.results.change import check_unknown, made_unknown
from zoo.segment.label_map import LabelMap
from zoo.segment.slide import Rows, Sliding, window_inputs, window_strips

_LOG = logging.getLogger("zoo")

#: Runs batches (N, 3, h, w) float32, which it takes as it needs them, and yields an output for each, in their order.
RunAll: TypeAlias = Callable[[Iterable[NDArray[np.float32]]], Iterator[NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        done_rows: Rows of the picture whose labels are finished.
        rows: All its rows.
        seconds: Since the run began.
        left: Estimated seconds that remain.
        done_windows: Windows that have run.
        windows: All windows.
    """

    done_rows: int
    rows: int
    seconds: float
    left: float
    done_windows: int
    windows: int


def segment_tiff(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    run: RunAll,
    plan: Plan,
    *,
    description: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Segments a TIFF of any height into a label TIFF; memory is that of one row of windows.

    Reference system and transform of a GeoTIFF are kept, and pixels without data become unknown.

    Args:
        source: The picture.
        target: The label map; see `write_labels`.
        run: The engine.
        plan: What becomes of the picture; it has windows, and no views.
        description: See `write_labels`.
        progress: Called with every batch of windows that has run, and with every strip before it is written.

    Returns:
        The target.

    Raises:
        ConfigError: The range is "auto".
        OutputError: The target cannot be written, or is the source itself; or the source has pixels without data, and
            no mask can hold the value of unknown ones.
        ZooError: Whatever `open_tiff`, `window_strips` and the engine raise.
    """
    sliding = plan.sliding
    assert sliding is not None  # mode="slide" has windows or is refused
    value_range = plan.value_range
    if value_range == "auto":
        raise ConfigError(
            "The range of {source} is auto, which looks at all of a picture first. A file that is read by rows needs "
            "two numbers.",
            "Use value_range=(LOW, HIGH)",
            source=source,
        )
    with open_tiff(source, value_range) as rows, open_tiff(source, kind=DataRows) as data:
        if rows.nodata is not None:
            check_unknown(plan.labels)
        elif said := rows.impossible_nodata:
            _LOG.warning(
                "%s: pixels without data would have the value %r (GDAL_NODATA), which none can have; all count as data",
                printable(source),
                printable(said),
            )
        with contextlib.suppress(OSError):
            if os.path.samefile(source, target):
                raise OutputError(
                    "{target} is the picture itself. Another file was expected.", "Give another name.", target=target
                )
        blocks = _blocks(rows, run, plan, sliding, progress or (lambda _: None))
        path = write_labels(
            target,
            rows.size,
            blocks if rows.nodata is None else _without_data(blocks, data, plan.labels),
            palette=plan.labels.palette,
            description=description,
            tags=rows.place_tags(plan.labels.ignore_index),
        )
        if rows.own is not None:
            level = logging.INFO if value_range else logging.WARNING
            _LOG.log(level, "%s: %s", printable(source), range_note(value_range or (0, 65535), rows.own, value_range))
        return path


def _without_data(blocks: Iterable[LabelMap], data: Rows, labels: LabelSet) -> Iterator[LabelMap]:
    """Makes the pixels unknown that have no data."""
    done = 0
    for block in blocks:
        has_data = data.read(done, done + len(block)).any(axis=2)
        done += len(block)
        yield made_unknown(block, np.logical_not(has_data), labels)


def _blocks(
    rows: Rows, run: RunAll, plan: Plan, sliding: Sliding, progress: Callable[[Progress], None]
) -> Iterator[LabelMap]:
    """Yields the rows of the label map in final classes, from the top."""
    began, layout = time.perf_counter(), sliding.layout(rows.size)
    windows = len(layout.rows) * len(layout.columns)
    done = ran = 0

    def report() -> None:
        seconds = time.perf_counter() - began
        progress(Progress(done, rows.size[0], seconds, seconds / ran * (windows - ran), ran, windows))

    def outputs() -> Iterator[NDArray[Any]]:
        nonlocal ran
        for output in run(window_inputs(rows, sliding)):
            ran += len(output)
            report()
            yield output

    for strip in window_strips(outputs(), rows.size, sliding, plan.scores):
        done = strip.start + len(strip.labels)
        report()
        yield final_classes(strip.labels, strip.scores, plan)

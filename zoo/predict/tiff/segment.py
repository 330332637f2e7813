"""A TIFF of any height to a label TIFF, strip by strip."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet
from zoo.errors import BundleError, ConfigError, OutputError
from zoo.message import printable
from zoo.picture.levels import range_note
from zoo.predict.plan import Plan
from zoo.predict.steps import final_classes
from zoo.predict.tiff.read import DataRows, TiffRows, open_tiff
from zoo.predict.tiff.write import write_labels
from zoo.results.change import check_unknown, made_unknown
from zoo.segment.label_map import LabelMap
from zoo.segment.slide import Rows, Sliding, obstacle, window_inputs, window_strips
from zoo.segment.windows import WindowRows

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
    with opened_for(source, target, plan) as (rows, data):
        blocks = _blocks(rows, run, plan, sliding, progress or (lambda _: None))
        path = finished(rows, target, _with_data(rows, data, blocks, plan), plan, description)
        told_range(source, plan, rows.own)
        return path


def check_windows(bundle: Bundle) -> None:
    """Makes sure that a model can be run in windows.

    Raises:
        BundleError: It cannot.
    """
    if reason := obstacle(bundle):
        raise BundleError(
            "A large TIFF is segmented in windows, and {model} cannot be run in them: {reason}.",
            "Use a model of zoo list-models that works on windows, or export a network with zoo, without resizing.",
            model=bundle.model,
            reason=reason,
        )


@contextlib.contextmanager
def opened_for(
    source: str | os.PathLike[str], target: str | os.PathLike[str], plan: Plan
) -> Generator[tuple[TiffRows, TiffRows], None, None]:
    """Opens a picture that is to become a label map: its pixels, and which of them have data.

    Raises:
        ConfigError: As `segment_tiff`.
        OutputError: See there.
        ZooError: As `open_tiff`.
    """
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
        yield rows, data


def finished(
    rows: TiffRows, target: str | os.PathLike[str], blocks: Iterable[LabelMap], plan: Plan, description: str
) -> Path:
    """Writes the label map of a picture, whoever made its rows.

    Args:
        rows: The picture.
        target: As in `write_labels`, like the next and the description.
        blocks: See there.
        plan: What its classes are.
        description: See there.

    Returns:
        The target.
    """
    return write_labels(
        target,
        rows.size,
        blocks,
        palette=plan.labels.palette,
        description=description,
        tags=rows.place_tags(plan.labels.ignore_index),
    )


def told_range(source: str | os.PathLike[str], plan: Plan, own: tuple[int, int] | None) -> None:
    """Logs which values of 16 bits became black and white, and which there were.

    Args:
        source: The picture.
        plan: How it was read.
        own: The lowest and the highest of its values; None where it has 8 bits.
    """
    wanted = plan.value_range
    if own is not None and wanted != "auto":
        level = logging.INFO if wanted else logging.WARNING
        _LOG.log(level, "%s: %s", printable(source), range_note(wanted or (0, 65535), own, wanted))


def segment_part(rows: TiffRows, data: Rows, run: RunAll, plan: Plan, part: WindowRows) -> LabelMap:
    """Makes the labels of some rows of windows, the same as in a run over the whole picture.

    Args:
        rows: The picture.
        data: Which of its pixels have data.
        run: The engine.
        plan: As in `segment_tiff`.
        part: Which rows of windows.

    Returns:
        (n, W) final classes.
    """
    sliding = plan.sliding
    assert sliding is not None  # as there
    strips = list(window_strips(run(window_inputs(rows, sliding, part)), rows.size, sliding, plan.scores, part))
    labels = np.concatenate([final_classes(strip.labels, strip.scores, plan) for strip in strips])
    if rows.nodata is None:
        return labels
    has_data = data.read(strips[0].start, strips[0].start + len(labels)).any(axis=2)
    return made_unknown(labels, np.logical_not(has_data), plan.labels)


def _with_data(rows: TiffRows, data: Rows, blocks: Iterable[LabelMap], plan: Plan) -> Iterable[LabelMap]:
    return blocks if rows.nodata is None else _without_data(blocks, data, plan.labels)


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

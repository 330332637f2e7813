"""Large pictures: overlapping windows, blended and brought to full size strip by strip.

The blend is the mean of the windows' softmax probabilities, each weighted by its share (`zoo.segment.windows`). It is
kept as logarithms at the resolution of the logits, which differ from logits by one number a pixel: between them
`upsample_argmax` draws the same borders as between the logits of the whole picture. Memory is that of one row of
windows, whatever the height of the picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import (
    Normalize,
    Pad,
    Step,
    Window,
)
from zoo.errors import BundleError, InferenceError
from zoo.message import Message
from zoo.segment.scores import winning_scores
from zoo.segment.transforms import (
    Geometry,
    preprocess,
)
from zoo.segment.upsample import (
    Band,
    check_logits,
    rows_within,
    upsample_argmax,
)
from zoo.segment.windows import (
    Plan,
    Span,
    plan,
)

#: `Session.run`: (N, 3, h, w) float32 -> (N, C, h / output stride, w / output stride).
Run = Callable[[NDArray[np.float32]], NDArray[Any]]


class Rows(Protocol):
    """A picture that is read from top to bottom."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Returns the rows from `start` to before `stop`, (n, W, 3) RGB uint8; it must not be written to.

        Rows are asked for in order, each once.
        """
        ...


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """A picture in memory, (H, W, 3) RGB uint8."""

    image: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return (self.image.shape[0], self.image.shape[1])

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Returns the rows from `start` to before `stop`."""
        return self.image[start:stop]


@dataclass(frozen=True, eq=False)
class Strip:
    """Finished rows of a picture.

    Attributes:
        start: Its first row in the picture.
        labels: (n, W) uint8 or uint16.
        scores: (n, W) float32 probability of the winning class; None unless asked for.
    """

    start: int
    labels: NDArray[np.uint8 | np.uint16]
    scores: NDArray[np.float32] | None


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


def slide(
    rows: Rows,
    run: Run,
    bundle: Bundle,
    window: Window,
    *,
    batch_size: int = 1,
    scores: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Strip]:
    """Segments a picture of any height.

    A picture no larger than a window is one window, and its labels are those of the whole-picture evaluation.

    Args:
        rows: The picture.
        run: Runs one batch of windows.
        bundle: Preprocessing, output and output stride of the program behind `run`.
        window: Size and stride of the windows.
        batch_size: At most so many windows run together.
        scores: Compute the probability of the winning class too.
        progress: Called after every batch of windows, and with every strip before it is handed over.

    Yields:
        Strips without gap or overlap, from the top.

    Raises:
        BundleError: The program or its preprocessing does not allow windows (`obstacle`).
        ConfigError: The window does not fit the model.
        InferenceError: The engine failed, or returned something else than logits of the window.
        SourceError: The picture cannot be read.
    """
    began = time.perf_counter()
    (height, width), inner, grid = rows.size, *_prepared(rows, bundle, window)
    padded = inner.size
    held, first, start = None, 0, 0
    ran, windows = 0, len(grid.rows) * len(grid.columns)

    def report(more: int = 0) -> None:
        nonlocal ran
        ran += more
        if progress is not None:
            seconds = time.perf_counter() - began
            progress(Progress(start, height, seconds, seconds / ran * (windows - ran), ran, windows))

    for values in _blend(inner, run, bundle.preprocess[-1:], grid, batch_size, report):
        held = values if held is None else np.concatenate([held, values], axis=1)
        known = first + held.shape[1]
        stop = min(rows_within(known, grid.grid[0], padded[0]), height)
        if stop > start:
            band = Band(start, stop, first, grid.grid[0])
            labels = upsample_argmax(held, padded, band)[:, :width]
            best = winning_scores(held, padded, band)[:, :width] if scores else None
            strip, start = Strip(start, labels, best), stop
            report()
            yield strip
        # The next row of logits continues from the last one that is known.
        held, first = held[:, -1:].copy(), known - 1


def slide_logits(
    image: NDArray[np.uint8], run: Run, bundle: Bundle, window: Window, batch_size: int = 1
) -> tuple[NDArray[np.float32], Geometry]:
    """Blends the windows of a picture in memory, for whoever goes on from its logits.

    Args:
        image: (H, W, 3) RGB uint8; not modified.
        run: As in `slide`, like all others.
        bundle: See there.
        window: See there.
        batch_size: See there.

    Returns:
        (C, h, w) logits, up to one number a pixel, and how the picture lies in the padded one.

    Raises:
        BundleError: As in `slide`.
    """
    rows = ArrayRows(image)
    inner, grid = _prepared(rows, bundle, window)
    values = np.concatenate(list(_blend(inner, run, bundle.preprocess[-1:], grid, batch_size)), axis=1)
    return values, Geometry(rows.size, rows.size, inner.size)


def obstacle(bundle: Bundle) -> str:
    """Says why a bundle cannot be run in windows; empty when it can."""
    if bundle.output != "logits":
        return Message("its program returns {output} and no logits that could be blended", output=bundle.output)
    others = [type(step).__name__ for step in bundle.preprocess if not isinstance(step, (Normalize, Pad))]
    if others:
        return Message("its preprocessing has the step {other}, which needs the whole picture", other=others[0])
    return ""


@dataclass(frozen=True, eq=False)
class _PaddedRows:
    """A picture with a grey border below and to the right, as the step Pad makes it."""

    inner: Rows
    step: Pad

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.inner.size
        return (height + -height % self.step.multiple, width + -width % self.step.multiple)

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        height, width = self.inner.size
        padded = np.full((stop - start, self.size[1], 3), round(self.step.value), np.uint8)
        if start < height:
            end = min(stop, height)
            padded[: end - start, :width] = self.inner.read(start, end)
        return padded


def _prepared(rows: Rows, bundle: Bundle, window: Window) -> tuple[Rows, Plan]:
    reason = obstacle(bundle)
    if reason:
        raise BundleError(
            "{model} cannot be run in windows: {reason}.",
            "Use mode='whole', or export the network with zoo and without a resizing step.",
            model=bundle.model,
            reason=reason,
        )
    for step in bundle.preprocess:
        if isinstance(step, Pad):
            rows = _PaddedRows(rows, step)
    return rows, plan(rows.size, window, bundle.output_stride)


def _blend(
    rows: Rows,
    run: Run,
    normalize: Sequence[Step],
    grid: Plan,
    batch_size: int,
    ran: Callable[[int], None] = lambda windows: None,
) -> Iterator[NDArray[np.float32]]:
    """Yields (C, n, w) finished rows of the picture's logits, from the top; `ran` is told the windows of a batch."""
    stride, single = grid.output_stride, len(grid.rows) == len(grid.columns) == 1
    image = np.empty((0, rows.size[1], 3), np.uint8)
    total: NDArray[np.float32] | None = None
    for span, following in zip(grid.rows, [*grid.rows[1:], None], strict=True):
        image = np.concatenate([image, rows.read(span.start + len(image), span.stop)])
        done = span.stop if following is None else following.start
        blended = None
        for columns in _batches(grid.columns, batch_size):
            outputs = _run(image, columns, run, normalize, stride)
            ran(len(columns))
            for column, values in zip(columns, outputs, strict=True):
                if single:
                    yield values
                    return
                if blended is None:
                    blended = _extended(total, len(values), len(span.share), grid.grid[1])
                place = blended[:, :, column.start // stride :][:, :, : len(column.share)]
                share = np.log(span.share)[:, None] + np.log(column.share)
                np.logaddexp(place, _log_softmax(values) + share, out=place)
        assert blended is not None  # a plan has at least one window a row
        ready = -(-(done - span.start) // stride)
        yield blended[:, :ready]
        total, image = blended[:, ready:], image[done - span.start :]


def _batches(columns: Sequence[Span], batch_size: int) -> Iterator[list[Span]]:
    """Windows of one width run together."""
    for _, equal in groupby(columns, key=lambda column: column.stop - column.start):
        waiting = list(equal)
        for index in range(0, len(waiting), batch_size):
            yield waiting[index : index + batch_size]


def _run(
    image: NDArray[np.uint8], columns: Sequence[Span], run: Run, normalize: Sequence[Step], output_stride: int
) -> NDArray[np.float32]:
    windows = [preprocess(image[:, column.start : column.stop], normalize)[0] for column in columns]
    outputs = run(np.stack(windows))
    height, width = windows[0].shape[1:]
    expected = (len(columns), -(-height // output_stride), -(-width // output_stride))
    if outputs.ndim != 4 or outputs.dtype.kind != "f" or (len(outputs), *outputs.shape[2:]) != expected:
        raise InferenceError(
            "The program returned {shape} {dtype} for {count} windows of {height}x{width}. Float logits "
            "({views}, classes, {rows}, {columns}) were expected, at output stride {output_stride}.",
            "Correct output_stride in the card of this model, or use mode='whole'.",
            shape=outputs.shape,
            dtype=outputs.dtype,
            count=len(columns),
            height=height,
            width=width,
            views=expected[0],
            rows=expected[1],
            columns=expected[2],
            output_stride=output_stride,
        )
    outputs = outputs.astype(np.float32, copy=False)
    for values in outputs:
        check_logits(values)
    return outputs


def _extended(total: NDArray[np.float32] | None, classes: int, height: int, width: int) -> NDArray[np.float32]:
    """Rows that windows above have begun, followed by empty ones."""
    extended = np.full((classes, height, width), -np.inf, np.float32)
    if total is not None:
        extended[:, : total.shape[1]] = total
    return extended


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=0)
    return shifted - np.log(np.exp(shifted).sum(axis=0))

"""Large pictures: overlapping windows, blended and brought to full size strip by strip.

The blend is the mean of the windows' softmax probabilities, each weighted by its share (`zoo.segment.windows`). It is
kept as logarithms at the resolution of the logits, which differ from logits by one number a pixel: between them
`upsample_argmax` draws the same borders as between the logits of the whole picture. Memory is that of one row of
windows, whatever the height of the picture.

    window_inputs     a picture -> batches of windows, made as they are asked for
    the engine        one output a batch, in this order; as many at a time as the caller likes
    window_strips     outputs -> label map, strip by strip; window_logits: the blend itself, for means over views
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import Normalize, Pad, Step, Window
from zoo.errors import InferenceError
from zoo.message import Message
from zoo.segment.band import Band, rows_within
from zoo.segment.scores import winning_scores
from zoo.segment.transforms import geometry_of, preprocess
from zoo.segment.upsample import check_logits, upsample_argmax
from zoo.segment.windows import Layout, Span, WindowRows, lay_out


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


@dataclass(frozen=True, eq=False)
class Sliding:
    """How pictures are cut into windows, for a model that has no `obstacle`.

    Attributes:
        window: Size and stride of the windows, of a form that `check_window` accepts.
        steps: The model's preprocessing: Normalize, and perhaps Pad before it.
        output_stride: Pixels of input per pixel of logits.
        batch_size: At most so many windows run together.
    """

    window: Window
    steps: tuple[Step, ...]
    output_stride: int
    batch_size: int = 1

    def cuts(self, size: tuple[int, int]) -> bool:
        """Whether a picture of this (height, width) is larger than one window."""
        return size[0] > self.window.size[0] or size[1] > self.window.size[1]

    def layout(self, size: tuple[int, int]) -> Layout:
        """Returns the windows of a picture of this (height, width)."""
        return lay_out(geometry_of(size, self.steps).padded, self.window, self.output_stride)


def window_inputs(rows: Rows, sliding: Sliding, part: WindowRows | None = None) -> Iterator[NDArray[np.float32]]:
    """Cuts a picture into windows.

    Args:
        rows: The picture.
        sliding: How to cut.
        part: Only what this part needs.

    Yields:
        Batches (N, 3, h, w) of windows, row by row. A picture no larger than a window is one window.

    Raises:
        SourceError: The picture cannot be read.
    """
    layout = sliding.layout(rows.size)
    for step in sliding.steps:
        if isinstance(step, Pad):
            rows = _PaddedRows(rows, step)
    image = np.empty((0, rows.size[1], 3), np.uint8)
    spans = layout.rows if part is None else layout.rows[part.begin(layout) : part.stop]
    top = spans[0].start
    for span in spans:
        image = np.concatenate([image[span.start - top :], rows.read(top + len(image), span.stop)])
        top = span.start
        for columns in _batches(layout.columns, sliding.batch_size):
            windows = [image[:, column.start : column.stop] for column in columns]
            yield np.stack([preprocess(window, sliding.steps[-1:])[0] for window in windows])


def window_strips(
    outputs: Iterator[NDArray[Any]],
    size: tuple[int, int],
    sliding: Sliding,
    scores: bool = False,
    part: WindowRows | None = None,
) -> Iterator[Strip]:
    """Makes the label map of a picture of what the program returned for its windows.

    Of a picture no larger than a window, the labels are those of the whole-picture evaluation.

    Args:
        outputs: (N, C, h / output stride, w / output stride) for every batch of `window_inputs`, in its order; no more
            are taken.
        size: (height, width) of the picture.
        sliding: How it was cut.
        scores: Compute the probability of the winning class too.
        part: Only the labels of this part, of the outputs for its windows.

    Yields:
        Strips without gap or overlap, from the top.

    Raises:
        InferenceError: An output is something else than logits of the windows.
    """
    layout, padded = sliding.layout(size), geometry_of(size, sliding.steps).padded
    part = part or WindowRows(0, len(layout.rows))
    held, first = None, layout.rows[part.begin(layout)].start // layout.output_stride
    above = -(-layout.rows[part.first].start // layout.output_stride)
    start = min(rows_within(above, layout.grid[0], padded[0]), size[0]) if above else 0
    for values in _blend(outputs, layout, sliding.batch_size, part):
        held = values if held is None else np.concatenate([held, values], axis=1)
        # What windows above the part have no share in begins with the last row of logits that they know.
        early = min(max(0, above - 1 - first), held.shape[1] - 1)
        held, first = held[:, early:], first + early
        known = first + held.shape[1]
        stop = min(rows_within(known, layout.grid[0], padded[0]), size[0])
        if stop > start:
            band = Band(start, stop, first, layout.grid[0])
            labels = upsample_argmax(held, padded, band)[:, : size[1]]
            best = winning_scores(held, padded, band)[:, : size[1]] if scores else None
            yield Strip(start, labels, best)
            start = stop
        # The next row of logits continues from the last one that is known.
        held, first = held[:, -1:].copy(), known - 1


def window_logits(outputs: Iterator[NDArray[Any]], size: tuple[int, int], sliding: Sliding) -> NDArray[np.float32]:
    """Blends the outputs of a picture's windows, for whoever goes on from its logits.

    Args:
        outputs: As in `window_strips`, like the next two.
        size: See there.
        sliding: See there.

    Returns:
        (C, h, w) logits of the padded picture, up to one number a pixel.

    Raises:
        InferenceError: As in `window_strips`.
    """
    layout = sliding.layout(size)
    whole = WindowRows(0, len(layout.rows))
    return np.concatenate(list(_blend(outputs, layout, sliding.batch_size, whole)), axis=1)


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


def _blend(
    outputs: Iterator[NDArray[Any]], layout: Layout, batch_size: int, part: WindowRows
) -> Iterator[NDArray[np.float32]]:
    """Yields (C, n, w) finished rows of the picture's logits, from the top of the part's first window."""
    stride, single = layout.output_stride, len(layout.rows) == len(layout.columns) == 1
    total: NDArray[np.float32] | None = None
    needed = slice(part.begin(layout), part.stop)
    for span, following in zip(layout.rows[needed], (*layout.rows[1:], None)[needed], strict=True):
        blended = None
        for columns in _batches(layout.columns, batch_size):
            for column, values in zip(columns, _checked(next(outputs), span, columns, stride), strict=True):
                if single:
                    yield values
                    return
                if blended is None:
                    blended = _extended(total, len(values), len(span.share), layout.grid[1])
                place = blended[:, :, column.start // stride :][:, :, : len(column.share)]
                share = np.log(span.share)[:, None] + np.log(column.share)
                np.logaddexp(place, _log_softmax(values) + share, out=place)
        assert blended is not None  # a layout has at least one window a row
        done = span.stop if following is None else following.start
        ready = -(-(done - span.start) // stride)
        yield blended[:, :ready]
        total = blended[:, ready:]


def _batches(columns: Sequence[Span], batch_size: int) -> Iterator[list[Span]]:
    """Windows of one width run together."""
    for _, equal in groupby(columns, key=lambda column: column.stop - column.start):
        waiting = list(equal)
        for index in range(0, len(waiting), batch_size):
            yield waiting[index : index + batch_size]


def _checked(outputs: NDArray[Any], span: Span, columns: Sequence[Span], output_stride: int) -> NDArray[np.float32]:
    height, width = span.stop - span.start, columns[0].stop - columns[0].start
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

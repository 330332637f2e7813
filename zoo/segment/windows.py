"""Where the windows of a picture lie, and what share each has in what they overlap.

Windows begin at multiples of the output stride, so the grids of their logits coincide with that of the whole picture
and nothing has to be resampled to blend them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.contract.spec import Pad, Step, Window
from zoo.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Span:
    """The rows, or the columns, of one window.

    Attributes:
        start: First pixel.
        stop: The pixel after its last one.
        share: (n,) float32, for each of its n rows of logits its part in the blend: above 0 everywhere, small where the
            window ends inside the picture. Over all spans of an axis the shares of one row of logits sum to 1.
    """

    start: int
    stop: int
    share: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layout:
    """All windows of a picture: every span of rows with every span of columns.

    Attributes:
        rows: From the top, ends never going back.
        columns: From the left.
        output_stride: Pixels of input per pixel of logits.
        grid: (height, width) of the whole picture's logits.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    output_stride: int
    grid: tuple[int, int]


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Some rows of the windows of a picture, whose labels can be made apart from the others: the same to the bit.

    Attributes:
        first: Number of the first row of windows whose labels are made.
        stop: Number of the first one that is another part's.
    """

    first: int
    stop: int

    def begin(self, layout: Layout) -> int:
        """Returns the first row of windows that is run: those above share pixels with the first of the part."""
        if self.first == 0:
            return 0
        needed = layout.rows[self.first].start - layout.output_stride
        return next(number for number, span in enumerate(layout.rows) if span.stop > needed)


def lay_out(size: tuple[int, int], window: Window, output_stride: int) -> Layout:
    """Covers a picture with windows.

    A side no longer than the window is covered by one window of its own length. Otherwise windows follow each other at
    the stride, and the last one is moved back to end with the picture; where the picture is no multiple of the output
    stride, it is cut short by less than one output stride.

    Args:
        size: (H, W) of the picture.
        window: Size and stride, of a form that `check_window` accepts.
        output_stride: Pixels of input per pixel of logits.
    """
    rows, columns = (
        _spans(length, side, stride, output_stride)
        for length, side, stride in zip(size, window.size, window.stride, strict=True)
    )
    return Layout(rows, columns, output_stride, (-(-size[0] // output_stride), -(-size[1] // output_stride)))


def window_multiple(steps: Sequence[Step], output_stride: int) -> int:
    """Returns what sizes and strides of windows are multiples of.

    That is the output stride and what the preprocessing pads to, the network's stride: features of a window that is no
    multiple of it would lie askew over it, and where windows begin between its steps, one network sees two pictures.
    """
    return math.lcm(output_stride, *(step.multiple for step in steps if isinstance(step, Pad)))


def usual_stride(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Three quarters of a window, as published settings have it, down to a multiple of this."""
    height, width = (max(1, 3 * side // (4 * multiple)) * multiple for side in size)
    return (height, width)


def check_window(window: Window, multiple: int) -> None:
    """Checks that windows of this form leave no gap and fit the grids of the logits and of the network's features.

    Args:
        window: Size and stride.
        multiple: What `window_multiple` returned.

    Raises:
        ConfigError: They do not; the message names the number.
    """
    for what, pair in (("size", window.size), ("stride", window.stride)):
        if len(pair) != 2 or min(pair) < 1:
            raise ConfigError(
                "The {what} of the windows is {pair}. (height, width) in pixels, both at least 1, was expected.",
                "Use window=(1024, 1024), stride=(768, 768)",
                what=what,
                pair=pair,
            )
        if any(value % multiple for value in pair):
            raise ConfigError(
                "The {what} of the windows is {pair}. Multiples of {multiple}, the model's stride, were expected.",
                "Use {example}",
                what=what,
                pair=pair,
                multiple=multiple,
                example=tuple(max(1, round(value / multiple)) * multiple for value in pair),
            )
    if window.stride[0] > window.size[0] or window.stride[1] > window.size[1]:
        raise ConfigError(
            "The stride {stride} of the windows is larger than their size {size}: pixels between them would be "
            "left out. A stride of at most the size was expected.",
            "Use three quarters of the size, so that windows overlap.",
            stride=window.stride,
            size=window.size,
        )


def _spans(length: int, side: int, stride: int, output_stride: int) -> tuple[Span, ...]:
    if length <= side:
        starts = [0]
    else:
        last = -(-(length - side) // output_stride) * output_stride
        starts = [*range(0, last, stride), last]
    ends = [min(start + side, length) for start in starts]
    weights = [
        _weight(-(-(end - start) // output_stride), start == 0, end == length)
        for start, end in zip(starts, ends, strict=True)
    ]
    total = np.zeros(-(-length // output_stride))
    for start, weight in zip(starts, weights, strict=True):
        total[start // output_stride :][: len(weight)] += weight
    return tuple(
        Span(start, end, (weight / total[start // output_stride :][: len(weight)]).astype(np.float32))
        for start, end, weight in zip(starts, ends, weights, strict=True)
    )


def _weight(count: int, first: bool, last: bool) -> NDArray[np.float64]:
    """A squared sine over the window; 1 from its middle to a border that is the picture's own."""
    place = (np.arange(count) + 0.5) / count
    weight = np.sin(np.pi * place) ** 2
    weight[(place < 0.5) & first | (place > 0.5) & last] = 1
    return weight

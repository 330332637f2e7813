"""Pictures under their classes, small, and several of them on one sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.labels import LabelSet
from zoo.learn.report.ink import PAPER
from zoo.results.classes import color_table
from zoo.results.drawing.draw import OPACITY, blend

_GAP = 4


def small_overlay(
    image: NDArray[np.uint8], classes: NDArray[np.integer], labels: LabelSet, longest: int = 480
) -> NDArray[np.uint8]:
    """Returns a picture under its classes.

    Args:
        image: (H, W, 3) RGB.
        classes: (H, W) numbers of classes, or the ignore index: pixels that are left as they are.
        labels: The classes.
        longest: Pixels that the picture may be wide and high.

    Returns:
        (h, w, 3) RGB.
    """
    step = max(1, -(-max(classes.shape) // longest))
    shown = classes[::step, ::step].astype(np.uint16)
    small = np.asarray(Image.fromarray(image).resize(shown.shape[::-1], Image.Resampling.BOX))
    colors = color_table(labels, labels.ignore_index + 1)
    return blend(small, shown, colors, OPACITY, outline=True, unknown=labels.ignore_index)


def sheet(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Returns pictures side by side, row below row, on paper."""
    high = [max(tile.shape[0] for tile in row) for row in rows]
    wide = [max(row[place].shape[1] for row in rows if place < len(row)) for place in range(max(map(len, rows)))]
    paper = np.empty((sum(high) + _GAP * (len(high) - 1), sum(wide) + _GAP * (len(wide) - 1), 3), np.uint8)
    paper[:] = PAPER
    top = 0
    for row, height in zip(rows, high, strict=True):
        left = 0
        for tile, width in zip(row, wide, strict=False):
            paper[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
            left += width + _GAP
        top += height + _GAP
    return paper


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Returns an RGB picture as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=88)
    return file.getvalue()

"""A confusion matrix as a picture: a row a true class, in shares of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.contract.labels import LabelSet
from zoo.learn.report.ink import INK, PAPER, SERIES, SIZE, png
from zoo.results.drawing.font import lettering

# Above so many classes the figures in the cells could not be read.
_FIGURES = 25
_LARGE, _SMALL = 44, 16


def matrix_picture(labels: LabelSet, counts: NDArray[np.int64]) -> bytes:
    """Draws a confusion matrix.

    Args:
        labels: The classes.
        counts: (classes, classes) pixels, rows are true classes.

    Returns:
        A PNG file.
    """
    cell = _LARGE if len(labels) <= _FIGURES else _SMALL
    letters = lettering(dict(enumerate(labels.names)), SIZE, None)
    side = SIZE + round(max(letters.fonts[value].getlength(name) for value, name in letters.names.items()))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    canvas = Image.new("RGB", (side + cell * len(labels) + SIZE, side + cell * len(labels) + SIZE), PAPER)
    draw = ImageDraw.Draw(canvas)
    for number in range(len(labels)):
        middle = side + number * cell + cell // 2
        draw.text((SIZE // 2, middle - SIZE // 2), letters.names[number], INK, letters.fonts[number])
        # Pillow writes from left to right alone: the names of columns are written on a strip that is turned.
        strip = Image.new("RGB", (side, SIZE + 6), PAPER)
        ImageDraw.Draw(strip).text((SIZE // 2, 0), letters.names[number], INK, letters.fonts[number])
        canvas.paste(strip.transpose(Image.Transpose.ROTATE_90), (middle - SIZE // 2, 0))
    for row, column in np.ndindex(shares.shape):
        share, left, top = float(shares[row, column]), side + column * cell, side + row * cell
        tint = tuple(round(255 + (part - 255) * share) for part in SERIES[0])
        draw.rectangle((left, top, left + cell - 2, top + cell - 2), (tint[0], tint[1], tint[2]))
        if cell == _LARGE and share >= 0.005:
            ink = PAPER if share > 0.6 else INK
            draw.text((left + cell // 4, top + cell // 2 - SIZE // 2), f"{100 * share:.0f}", ink, letters.font)
    return png(canvas)

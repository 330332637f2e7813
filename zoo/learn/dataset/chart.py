"""The class histogram of a dataset as a picture: a row a class, a bar a split."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping

from PIL import Image, ImageDraw

from zoo.contract.labels import Color, LabelSet
from zoo.results.drawing.font import lettering

_PAPER, _INK, _FAINT = (252, 252, 250), (32, 34, 38), (176, 178, 182)
_BARS: tuple[Color, ...] = ((38, 104, 176), (222, 134, 38), (60, 150, 90))
_SIZE, _BAR, _GAP, _WIDE = 14, 16, 10, 420


def histogram(labels: LabelSet, pixels: Mapping[str, Counter[int]], pictures: Mapping[str, Counter[int]]) -> bytes:
    """Draws how much there is of each class.

    Args:
        labels: The classes.
        pixels: By split, the pixels of each class; the bars are their shares of the split.
        pictures: By split, in how many pictures each class occurs: the figure behind each bar.

    Returns:
        A PNG file.
    """
    letters = lettering(dict(enumerate(labels.names)), _SIZE, None)
    left = 3 * _SIZE + round(max(letters.fonts[value].getlength(name) for value, name in letters.names.items()))
    row = _BAR * len(pixels) + _GAP
    shares = {split: _shares(counts) for split, counts in pixels.items()}
    most = max((share for split in shares.values() for share in split.values()), default=0.0) or 1.0
    canvas = Image.new("RGB", (left + _WIDE + 12 * _SIZE, 3 * _SIZE + row * len(labels) + _GAP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    across = left
    for split, color in zip(pixels, _BARS, strict=False):
        draw.rectangle((across, _GAP, across + _BAR, _GAP + _BAR), color)
        draw.text((across + 2 * _BAR, _GAP - 3), split, _INK, letters.font)
        across += 4 * _BAR + round(letters.font.getlength(split))
    for number in range(len(labels)):
        top = 3 * _SIZE + number * row
        draw.rectangle((_SIZE // 2, top, _SIZE // 2 + _BAR, top + _BAR), labels.palette[number], _FAINT)
        draw.text((2 * _SIZE, top - 2), letters.names[number], _INK, letters.fonts[number])
        for place, (split, color) in enumerate(zip(pixels, _BARS, strict=False)):
            share, high = shares[split].get(number, 0.0), top + place * _BAR
            right = left + round(_WIDE * share / most)
            draw.rectangle((left, high, right, high + _BAR - 4), color)
            text = f"{100 * share:.2f}%  {pictures[split][number]}"
            draw.text((right + _SIZE // 2, high - 2), text, _INK, letters.font)
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()


def _shares(counts: Counter[int]) -> dict[int, float]:
    total = counts.total()
    return {number: count / total for number, count in counts.items()} if total else {}

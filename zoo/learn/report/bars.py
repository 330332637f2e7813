"""A figure of each class as a picture: a row a class, a bar a series."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageDraw

from zoo.contract.labels import Color, LabelSet
from zoo.learn.report.ink import FAINT, INK, PAPER, SERIES, SIZE, png
from zoo.results.drawing.font import lettering

_BAR, _GAP, _WIDE = 16, 10, 420


def class_bars(labels: LabelSet, series: Mapping[str, Mapping[int, tuple[float, str]]]) -> bytes:
    """Draws figures of classes.

    Args:
        labels: The classes.
        series: By name, the figure of each class and the text behind its bar. A class may be absent.

    Returns:
        A PNG file.
    """
    letters = lettering(dict(enumerate(labels.names)), SIZE, None)
    left = 3 * SIZE + round(max(letters.fonts[value].getlength(name) for value, name in letters.names.items()))
    row = _BAR * len(series) + _GAP
    most = max((value for figures in series.values() for value, _ in figures.values()), default=0.0) or 1.0
    canvas = Image.new("RGB", (left + _WIDE + 12 * SIZE, 3 * SIZE + row * len(labels) + _GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    colors: dict[str, Color] = dict(zip(series, SERIES, strict=False))
    across = left
    for name, color in colors.items():
        draw.rectangle((across, _GAP, across + _BAR, _GAP + _BAR), color)
        draw.text((across + 2 * _BAR, _GAP - 3), name, INK, letters.font)
        across += 4 * _BAR + round(letters.font.getlength(name))
    for number in range(len(labels)):
        top = 3 * SIZE + number * row
        draw.rectangle((SIZE // 2, top, SIZE // 2 + _BAR, top + _BAR), labels.palette[number], FAINT)
        draw.text((2 * SIZE, top - 2), letters.names[number], INK, letters.fonts[number])
        for place, (name, color) in enumerate(colors.items()):
            value, text = series[name].get(number, (0.0, "-"))
            right, high = left + round(_WIDE * value / most), top + place * _BAR
            draw.rectangle((left, high, right, high + _BAR - 4), color)
            draw.text((right + SIZE // 2, high - 2), text, INK, letters.font)
    return png(canvas)

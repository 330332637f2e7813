"""Figures over the iterations of a run as a picture: a curve each, one below the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from zoo.learn.report.ink import FAINT, INK, PAPER, SERIES, SIZE, png
from zoo.results.drawing.font import lettering

_WIDE, _HIGH, _LEFT, _GAP = 720, 160, 90, 40


def curves(figures: Mapping[str, Sequence[tuple[int, float]]]) -> bytes:
    """Draws curves over the same iterations.

    Args:
        figures: By name, the (iteration, value) pairs of a curve in order; values that are not finite are left out.

    Returns:
        A PNG file.
    """
    font = lettering({}, SIZE, None).font
    known = {name: [pair for pair in pairs if math.isfinite(pair[1])] for name, pairs in figures.items()}
    last = max((pairs[-1][0] for pairs in known.values() if pairs), default=1)
    canvas = Image.new("RGB", (_LEFT + _WIDE + _GAP, len(known) * (_HIGH + 2 * _GAP)), PAPER)
    draw = ImageDraw.Draw(canvas)
    for place, ((name, pairs), color) in enumerate(zip(known.items(), SERIES, strict=False)):
        top = place * (_HIGH + 2 * _GAP) + _GAP
        values = [value for _, value in pairs] or [0.0]
        low, high = min(values), max(values)
        span = high - low or 1.0
        draw.text((_LEFT, top - SIZE - 8), name, INK, font)
        draw.rectangle((_LEFT, top, _LEFT + _WIDE, top + _HIGH), outline=FAINT)
        for value, down in ((high, 0), (low, _HIGH)):
            draw.text((8, top + down - SIZE // 2), f"{value:.3g}", INK, font)
        for text, across in (("0", 0), (str(last), _WIDE)):
            draw.text((_LEFT + across - SIZE // 2, top + _HIGH + 4), text, INK, font)
        points = [(_LEFT + _WIDE * iteration / last, top + _HIGH * (high - value) / span) for iteration, value in pairs]
        draw.line(points, color, 2)
        for x, y in points if len(points) <= _WIDE // 16 else []:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), color)
    return png(canvas)

"""Models by latency and mIoU as a picture: those on the front joined by a line, a panel for each dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from zoo.learn.recommendation.limits import Demands, milliseconds
from zoo.learn.recommendation.recommend import Recommendation, Suggested
from zoo.learn.report.ink import FAINT, INK, PAPER, SERIES, SIZE, png
from zoo.results.drawing.font import Font, lettering

_WIDE, _HIGH, _LEFT, _GAP, _DOT = 720, 360, 70, 44, 6
# Above such a ratio of the slowest to the fastest, the axis is logarithmic.
_FAR = 8.0

Box = tuple[float, float, float, float]


def front_chart(found: Recommendation, limits: Demands) -> bytes:
    """Draws models.

    Args:
        found: The models; those that were not measured or publish no mIoU are left out.
        limits: Drawn as lines.

    Returns:
        A PNG file.
    """
    panels: dict[str, list[Suggested]] = {}
    for row in found.rows:
        if row.cost is not None and row.offer.miou is not None:
            panels.setdefault(row.offer.measured_on, []).append(row)
    titles = list(panels)
    letters = lettering(dict(enumerate(titles)), SIZE, None)
    canvas = Image.new("RGB", (_LEFT + _WIDE + _GAP, max(1, len(panels)) * (_HIGH + 2 * _GAP)), PAPER)
    draw = ImageDraw.Draw(canvas)
    for number, title in enumerate(titles):
        top = number * (_HIGH + 2 * _GAP) + _GAP
        draw.text((_LEFT, top - SIZE - 8), f"{letters.names[number]}: mIoU, % / ms", INK, letters.fonts[number])
        first = found.firsts.get(title, ("", ""))[0]
        _panel(draw, panels[title], limits, first, top, letters.font)
    return png(canvas)


def _panel(
    draw: ImageDraw.ImageDraw, rows: Sequence[Suggested], limits: Demands, first: str, top: int, font: Font
) -> None:
    across, down = _axes(rows, limits, top)
    frame = _LEFT, top, _LEFT + _WIDE, top + _HIGH
    draw.rectangle(frame, outline=FAINT)
    if limits.latency is not None:
        draw.line((across(limits.latency), top, across(limits.latency), top + _HIGH), SERIES[1])
    if limits.miou is not None:
        draw.line((_LEFT, down(limits.miou), _LEFT + _WIDE, down(limits.miou)), SERIES[1])
    for end in (min(rows, key=lambda row: row.point.latency), max(rows, key=lambda row: row.point.latency)):
        text = milliseconds(end.point.latency)
        draw.text((across(end.point.latency) - font.getlength(text) / 2, top + _HIGH + 4), text, INK, font)
    for value in {min(row.offer.miou or 0.0 for row in rows), max(row.offer.miou or 0.0 for row in rows)}:
        draw.text((8, down(value) - SIZE // 2), f"{100 * value:.2f}", INK, font)
    front = sorted((row for row in rows if row.front), key=lambda row: row.point.latency)
    draw.line([(across(row.point.latency), down(row.offer.miou or 0.0)) for row in front], SERIES[0], 2)
    taken: list[Box] = []
    for row in rows:
        x, y = across(row.point.latency), down(row.offer.miou or 0.0)
        dot = x - _DOT, y - _DOT, x + _DOT, y + _DOT
        taken.append(dot)
        if row.offer.name == first:
            draw.ellipse((dot[0] - 4, dot[1] - 4, dot[2] + 4, dot[3] + 4), outline=SERIES[1], width=2)
        # Hollow is what misses a limit.
        draw.ellipse(dot, PAPER if row.misses else SERIES[0] if row.front else FAINT, SERIES[0])
    for row in rows:
        _name(draw, row.offer.name, across(row.point.latency), down(row.offer.miou or 0.0), frame, taken, font)


def _axes(
    rows: Sequence[Suggested], limits: Demands, top: int
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Returns where a latency and an mIoU stand, in pixels, with room on all sides."""
    times = [row.point.latency for row in rows] + [value for value in (limits.latency,) if value]
    shares = [row.offer.miou or 0.0 for row in rows] + [value for value in (limits.miou,) if value is not None]
    scale: Callable[[float], float] = math.log if max(times) > _FAR * min(times) else float
    return (
        _along(scale, min(times), max(times), _LEFT, _LEFT + _WIDE),
        _along(float, min(shares), max(shares), top + _HIGH, top),
    )


def _along(
    scale: Callable[[float], float], low: float, high: float, begin: float, end: float
) -> Callable[[float], float]:
    span = scale(high) - scale(low)
    if not span:
        return lambda value: (begin + end) / 2
    return lambda value: begin + (end - begin) * (0.1 + 0.8 * (scale(value) - scale(low)) / span)


def _name(draw: ImageDraw.ImageDraw, name: str, x: float, y: float, frame: Box, taken: list[Box], font: Font) -> None:
    """Writes the name of a model beside its dot, where nothing else stands."""
    wide, high = font.getlength(name), SIZE + 2
    places = [
        (x + _DOT + 6, y - high / 2),
        (x - _DOT - 6 - wide, y - high / 2),
        (x - wide / 2, y - _DOT - 6 - high),
        (x - wide / 2, y + _DOT + 6),
    ]
    boxes = [(left, above, left + wide, above + high) for left, above in places]
    free = [
        box
        for box in boxes
        if frame[0] <= box[0] and box[2] <= frame[2] and not any(_overlap(box, other) for other in taken)
    ]
    box = (free or boxes)[0]
    taken.append(box)
    draw.text(box[:2], name, INK, font)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

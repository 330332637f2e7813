"""The legend of an overlay: a panel with the classes that occur, their colours and their shares."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.contract.labels import Color
from zoo.results.classes import ClassArea
from zoo.results.drawing.font import Font, Lettering, lettering

#: Colour of the panel.
PAPER = (252, 252, 250)
_INK = (32, 34, 38)
_FAINT = (104, 108, 116)
_LINE = (176, 178, 182)

#: More classes than this are summed up in a last line.
_MOST_ENTRIES = 48


@dataclass(frozen=True, slots=True)
class _Entry:
    color: Color | None
    name: str
    font: Font
    share: str


def add_legend(
    picture: NDArray[np.uint8], classes: Sequence[ClassArea], given: str | os.PathLike[str] | None
) -> NDArray[np.uint8]:
    """Sets a legend beside or below a picture, where the long side of the whole grows least.

    The picture keeps its pixels and lies in the upper left corner of what is returned. The letters grow with the
    picture and never get too small to be read; beside a tiny picture the panel is larger than the picture.

    Args:
        picture: (H, W, 3) RGB; not modified.
        classes: In the order in which they are listed, at least one.
        given: A font file, or None; see `lettering`.

    Returns:
        (H', W', 3) RGB.
    """
    height, width = picture.shape[:2]
    shown = classes if len(classes) <= _MOST_ENTRIES else classes[: _MOST_ENTRIES - 1]
    letters = lettering({area.value: area.name for area in shown}, math.sqrt(height * width) / 40, given)
    font, unit = letters.font, letters.size
    entries = _entries(shown, classes[len(shown) :], letters)
    name_width = max(math.ceil(entry.font.getlength(entry.name)) for entry in entries)
    share_width = max(math.ceil(font.getlength(entry.share)) for entry in entries)
    swatch, padding, line = round(1.1 * unit), unit, round(1.6 * unit)
    cell = swatch + unit // 2 + name_width + unit + share_width
    pitch = cell + 2 * unit

    def panel(columns: int) -> tuple[int, int]:
        rows = math.ceil(len(entries) / columns)
        return rows * line + 2 * padding, columns * pitch - 2 * unit + 2 * padding

    # Every layout: canvas height and width, columns, the panel's corner, whether the panel outgrows the picture's side.
    layouts: list[tuple[int, int, int, tuple[int, int], bool]] = []
    for columns in range(1, len(entries) + 1):
        tall, wide = panel(columns)
        layouts.append((height + tall, max(width, wide), columns, (height, 0), wide > width))
        layouts.append((max(height, tall), width + wide, columns, (0, width), tall > height))
    # An empty strip beside the picture is as bad as a quarter more length.
    best = min(layouts, key=lambda it: (max(it[:2]) * (1.25 if it[4] else 1.0), it[0] * it[1]))
    bottom, right, columns, (top, left), _ = best

    canvas = Image.new("RGB", (right, bottom), PAPER)
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    # Columns share the width there is, but stay close enough to be seen as one list.
    spread = (right - left - 2 * padding + 2 * unit) // columns
    step = max(pitch, min(spread, pitch + 6 * unit))
    for index, entry in enumerate(entries):
        row, column = divmod(index, columns)
        x = left + padding + column * step
        middle = top + padding + row * line + line // 2
        if entry.color is not None:
            box = (x, middle - swatch // 2, x + swatch - 1, middle - swatch // 2 + swatch - 1)
            draw.rounded_rectangle(box, radius=swatch // 5, fill=entry.color, outline=_LINE)
        draw.text((x + swatch + unit // 2, middle - _half(entry.font)), entry.name, font=entry.font, fill=_INK)
        share_x = x + cell - math.ceil(font.getlength(entry.share))
        draw.text((share_x, middle - _half(font)), entry.share, font=font, fill=_FAINT)
    return np.array(canvas, dtype=np.uint8)


def _entries(shown: Sequence[ClassArea], rest: Sequence[ClassArea], letters: Lettering) -> list[_Entry]:
    entries = [
        _Entry(area.color, letters.names[area.value], letters.fonts[area.value], _percent(area.share)) for area in shown
    ]
    if rest:
        entries.append(
            _Entry(None, f"{len(rest)} more classes", letters.font, _percent(sum(area.share for area in rest)))
        )
    return entries


def _half(font: Font) -> float:
    """Returns how far the middle of a capital letter lies below the upper edge of a line."""
    _, upper, _, lower = font.getbbox("E")
    return (upper + lower) / 2


def _percent(share: float) -> str:
    return "<0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"

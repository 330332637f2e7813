"""The colours of charts, and charts as files."""

from __future__ import annotations

import io

from PIL import Image

from zoo.contract.labels import Color

PAPER: Color = (252, 252, 250)
INK: Color = (32, 34, 38)
FAINT: Color = (176, 178, 182)
SERIES: tuple[Color, ...] = ((38, 104, 176), (222, 134, 38), (60, 150, 90))
#: Height of letters in pixels.
SIZE = 14


def png(canvas: Image.Image) -> bytes:
    """Returns a picture as a PNG file."""
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()

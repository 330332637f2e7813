"""LabelMe files read: the mask that LabelMe itself makes of them."""

from __future__ import annotations

import base64
import io
import math
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.contract.labels import LabelSet
from zoo.errors import DecodeError
from zoo.message import Message
from zoo.results.classes import class_names, class_value
from zoo.results.document import MAX_DECODED_PIXELS
from zoo.settings.check import conform, mismatch
from zoo.settings.document import DocumentKind, Node
from zoo.settings.json_text import read_json
from zoo.settings.rules import array, mapping, whole

#: Label of shapes whose pixels have no class.
IGNORED = "__ignore__"

_BACKGROUND = ("_background_", "background")
# Far outside of any picture; larger numbers do not fit into the arithmetic that fills polygons.
_FARTHEST = 1_000_000
_LABELME = DocumentKind(
    error=DecodeError,
    noun=Message("a LabelMe file"),
    hint=Message("Open the file in LabelMe, correct it and save it again."),
    named=Message("{file} cannot be read as a LabelMe file"),
    limit=1 << 30,
)
_SCHEMA = mapping(
    {
        "imageHeight": whole(1, MAX_DECODED_PIXELS),
        "imageWidth": whole(1, MAX_DECODED_PIXELS),
        "shapes": array({"type": "object"}),
    }
)


def read_labelme(path: str | os.PathLike[str], labels: LabelSet) -> NDArray[np.uint8 | np.uint16]:
    """Draws the shapes of a LabelMe file.

    Polygons, rectangles, circles and masks are filled, outline included, later ones over earlier ones. Pixels that no
    shape covers belong to the class "_background_" or "background", and to none if there is no such class.

    Args:
        path: The JSON file. The picture is not looked at.
        labels: What the shapes' labels may be, besides "__ignore__". A name that stands twice is followed by its value,
            "screen (130)".

    Returns:
        (H, W) class values, with the ignore index where there is no class; uint8 if they fit.

    Raises:
        DecodeError: It is no LabelMe file, a label is no class, or a shape is a line or a point, which have no area.
    """
    root = read_json(Path(path), _LABELME)
    document = conform(root, _SCHEMA)
    height, width = document["imageHeight"], document["imageWidth"]
    if height * width > MAX_DECODED_PIXELS:
        raise mismatch(root["imageHeight"], Message("a picture of at most {most} pixels", most=MAX_DECODED_PIXELS))
    shapes = [shape for _, shape in root["shapes"].members()]
    ground = next((labels.names.index(name) for name in _BACKGROUND if name in labels.names), labels.ignore_index)
    values = [_value(shape, labels) for shape in shapes]
    if not all(0 <= value <= 65535 for value in (ground, *values)):
        raise root.fault(
            "The ignore index {index} of {labels!r} fits into no mask.", index=labels.ignore_index, labels=labels.name
        )
    small = max((ground, *values)) < 256
    canvas = Image.new("L" if small else "I", (width, height), ground)
    for shape, value in zip(shapes, values, strict=True):
        try:
            _draw(canvas, shape.value, value)
        except ValueError as error:
            raise shape.fault("{place} {reason}.", reason=error) from error
    return np.array(canvas).astype(np.uint8 if small else np.uint16, copy=False)


def _value(shape: Node, labels: LabelSet) -> int:
    label = shape.value.get("label")
    value = class_value(labels, label) if isinstance(label, str) else None
    if value is not None:
        return value
    if label == IGNORED:
        return labels.ignore_index
    names = class_names(labels, range(len(labels)))
    close = get_close_matches(label, names, n=3) if isinstance(label, str) else []
    raise shape.fault(
        "{place} has the label {label!r:.60}, which is no class of the label set {labels!r}.",
        Message("Did you mean {suggestions:, }?", suggestions=close)
        if close
        else Message("Give a label set with this class, or use {ignored}.", ignored=IGNORED),
        label=label,
        labels=labels.name,
    )


def _draw(canvas: Image.Image, shape: dict[str, Any], value: int) -> None:
    """Draws a shape as LabelMe does; a ValueError says what is wrong with it."""
    kind = shape.get("shape_type") or "polygon"
    points = _points(shape.get("points"))
    pen = ImageDraw.Draw(canvas)
    if kind == "polygon":
        if len(points) < 3:
            raise ValueError(Message("is a polygon of {count} points; at least 3 were expected", count=len(points)))
        pen.polygon(points, fill=value, outline=value)
    elif kind in ("rectangle", "circle", "mask"):
        if len(points) != 2:
            raise ValueError(Message("is a {kind} of {count} points; 2 were expected", kind=kind, count=len(points)))
        (x, y), (far_x, far_y) = points
        if kind == "circle":
            radius = math.hypot(far_x - x, far_y - y)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value, outline=value)
        elif kind == "rectangle":
            corners = (min(x, far_x), min(y, far_y), max(x, far_x), max(y, far_y))
            pen.rectangle(corners, fill=value, outline=value)
        else:
            canvas.paste(value, (int(x), int(y)), _stencil(shape.get("mask"), canvas.size))
    else:
        raise ValueError(Message("is a {kind!r:.40}, which has no area", kind=kind))


def _points(points: object) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for point in cast(list[object], points) if isinstance(points, list) else []:
        pair = cast(list[object], point) if isinstance(point, list) else []
        numbers = [float(n) for n in pair if isinstance(n, (int, float)) and abs(n) <= _FARTHEST]
        if len(pair) != 2 or len(numbers) != 2:
            raise ValueError(Message("has the point {point!r:.40}; [x, y] in pixels was expected", point=point))
        found.append((numbers[0], numbers[1]))
    return found


def _stencil(text: object, most: tuple[int, int]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(text), validate=True)), formats=("PNG",)) as picture:
            if picture.width > most[0] or picture.height > most[1]:
                raise ValueError(
                    Message(
                        "has {height}x{width} pixels, more than the picture", height=picture.height, width=picture.width
                    )
                )
            return Image.fromarray(np.asarray(picture.convert("L")) > 0)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(Message("has a mask that is no picture in base64: {reason}", reason=error)) from error

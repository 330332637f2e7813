"""LabelMe files read: the mask that LabelMe itself makes of them."""

from __future__ import annotations

import base64
import io
import logging
import math
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw

from zoo.base.files import user_path
from zoo.contract.labels import LabelSet
from zoo.errors import DecodeError
from zoo.message import Message
from zoo.results.classes import class_names, class_value
from zoo.results.document import MAX_DECODED_PIXELS
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node
from zoo.settings.json_text import read_json
from zoo.settings.rules import array, mapping, optional, whole

#: Label of shapes whose pixels have no class.
IGNORED = "__ignore__"

#: Names of the class of pixels that no shape covers.
BACKGROUND = ("_background_", "background")
# Far outside of any picture; larger numbers do not fit into the arithmetic that fills polygons.
_FARTHEST = 1_000_000
#: What is said of a damaged file.
LABELME = DocumentKind(
    error=DecodeError,
    noun=Message("a LabelMe file"),
    hint=Message("Open the file in LabelMe, correct it and save it again."),
    named=Message("{file} cannot be read as a LabelMe file"),
    limit=1 << 30,
)
_SIDE = optional(whole(1, MAX_DECODED_PIXELS))
_SCHEMA = mapping({"shapes": array({"type": "object"})}, {"imageHeight": _SIDE, "imageWidth": _SIDE})
_PICTURES = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM", "GIF")
# How LabelMe draws what has no area, in pixels.
_LINE_WIDTH, _POINT_RADIUS = 10, 5
# How many points a shape has, by its kind; X-AnyLabeling writes all four corners of rectangles.
_AT_LEAST = {"polygon": 3, "linestrip": 2}
_EXACTLY = {
    "rectangle": (2, 4),
    "oriented_rectangle": (4,),
    "rotation": (4,),
    "circle": (2,),
    "mask": (2,),
    "line": (2,),
    "point": (1,),
}

_LOG = logging.getLogger("zoo.results")


def read_labelme(path: str | os.PathLike[str], labels: LabelSet) -> NDArray[np.uint8 | np.uint16]:
    """Draws the shapes of a LabelMe file.

    Polygons, rectangles, circles and masks are filled, outline included, later ones over earlier ones; lines are ten
    pixels wide and points circles of radius five, as LabelMe draws them. Shapes of the kind "points", which it does not
    draw, are left out, which the log says. Pixels that no shape covers belong to the class "_background_" or
    "background", and to none if there is no such class.

    Args:
        path: The JSON file. Where it says no size, that of the picture in it or of the one it names is taken.
        labels: What the shapes' labels may be, besides "__ignore__". A name that stands twice is followed by its value,
            "screen (130)".

    Returns:
        (H, W) class values, with the ignore index where there is no class; uint8 if they fit.

    Raises:
        DecodeError: It is no LabelMe file, says no size and has no picture, or a label is no class.
    """
    path = Path(user_path(path))
    root = open_labelme(path)
    size = labelme_size(root) or _picture_size(root, path.parent)
    shapes = [shape for _, shape in root["shapes"].members() if not _passed_over(shape)]
    background = next((labels.names.index(name) for name in BACKGROUND if name in labels.names), labels.ignore_index)
    return draw_labelme(root, shapes, labels, size, background)


def open_labelme(path: Path) -> Node:
    """Reads a LabelMe file; its shapes are looked at when they are drawn.

    Raises:
        DecodeError: It is none.
    """
    root = read_json(path, LABELME)
    conform(root, _SCHEMA)
    return root


def labelme_size(root: Node) -> tuple[int, int] | None:
    """Returns (height, width) where a LabelMe file says both."""
    document = conform(root, _SCHEMA)
    height, width = document.get("imageHeight"), document.get("imageWidth")
    return None if height is None or width is None else (height, width)


def draw_labelme(
    root: Node, shapes: Sequence[Node], labels: LabelSet, size: tuple[int, int], ground: int
) -> NDArray[np.uint8 | np.uint16]:
    """Draws shapes of a LabelMe file as `read_labelme` does.

    Args:
        root: The file.
        shapes: Those of its shapes that are wanted.
        labels: The classes.
        size: (height, width) of the picture.
        ground: Value of pixels that no shape covers.

    Raises:
        DecodeError: The picture is too large, a shape is damaged, or a label is no class.
    """
    height, width = size
    if height * width > MAX_DECODED_PIXELS:
        raise root.fault(
            "{place} is about a picture of {height}x{width} pixels; expected at most {most} pixels.",
            height=height,
            width=width,
            most=MAX_DECODED_PIXELS,
        )
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


def _passed_over(shape: Node) -> bool:
    if shape.value.get("shape_type") != "points":
        return False
    _LOG.warning("%s: LabelMe does not draw points, and neither does zoo", shape.place)
    return True


def _picture_size(root: Node, folder: Path) -> tuple[int, int]:
    """Returns (height, width) of the picture in a file, or of the one it names."""
    data, name = root.value.get("imageData"), root.value.get("imagePath")
    named = folder / str(name or "").replace("\\", "/")
    if data is None and not named.is_file():
        raise root.fault(
            "{place} has no imageHeight and imageWidth, and the picture {name!r} is not there to be measured.",
            "Put the picture where the file names it, or open the file in LabelMe and save it again.",
            name=name,
        )
    try:
        with Image.open(named if data is None else io.BytesIO(base64.b64decode(str(data))), formats=_PICTURES) as found:
            # As LabelMe shows it. Of a TIFF Pillow has the turned size already.
            turned = data is None and found.format != "TIFF" and found.getexif().get(ExifTags.Base.Orientation, 1) > 4
            return (found.width, found.height) if turned else (found.height, found.width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise root.fault(
            "{place} has no imageHeight and imageWidth, and its picture cannot be measured: {reason}.", reason=error
        ) from error


def _draw(canvas: Image.Image, shape: dict[str, Any], value: int) -> None:
    """Draws a shape as LabelMe does; a ValueError says what is wrong with it."""
    kind = shape.get("shape_type") or "polygon"
    points = _points(shape.get("points"))
    _check_count(kind, len(points))
    pen = ImageDraw.Draw(canvas)
    (x, y), (far_x, far_y) = points[0], points[-1]
    if kind in ("line", "linestrip"):
        pen.line(points, fill=value, width=_LINE_WIDTH)
    elif kind in ("circle", "point"):
        radius = _POINT_RADIUS if kind == "point" else math.hypot(far_x - x, far_y - y)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value, outline=value)
    elif kind == "mask":
        # Half to even, and cut to the box only where the box is one of whole pixels.
        whole_box = (x, y, far_x, far_y) if all(n.is_integer() for point in points for n in point) else None
        canvas.paste(value, (round(x), round(y)), _stencil(shape.get("mask"), canvas.size, whole_box))
    elif len(points) == 2:
        corners = (min(x, far_x), min(y, far_y), max(x, far_x), max(y, far_y))
        pen.rectangle(corners, fill=value, outline=value)
    else:
        pen.polygon(points, fill=value, outline=value)


def _check_count(kind: object, count: int) -> None:
    exactly, least = _EXACTLY.get(str(kind), ()), _AT_LEAST.get(str(kind))
    if not exactly and least is None:
        raise ValueError(Message("is a {kind!r:.40}, a kind of shape that zoo does not know", kind=kind))
    if least is not None and count < least:
        raise ValueError(
            Message(
                "is a {kind} of {count} points; at least {least} were expected", kind=kind, count=count, least=least
            )
        )
    if least is None and count not in exactly:
        raise ValueError(
            Message(
                "is a {kind} of {count} points; {exactly: or } were expected", kind=kind, count=count, exactly=exactly
            )
        )


def _points(points: object) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for point in cast(list[object], points) if isinstance(points, list) else []:
        pair = cast(list[object], point) if isinstance(point, list) else []
        numbers = [float(n) for n in pair if isinstance(n, (int, float)) and abs(n) <= _FARTHEST]
        if len(pair) != 2 or len(numbers) != 2:
            raise ValueError(Message("has the point {point!r:.40}; [x, y] in pixels was expected", point=point))
        found.append((numbers[0], numbers[1]))
    return found


def _stencil(text: object, most: tuple[int, int], box: tuple[float, float, float, float] | None) -> Image.Image:
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(text), validate=True)), formats=("PNG",)) as picture:
            if picture.width > most[0] or picture.height > most[1]:
                raise ValueError(
                    Message(
                        "has {height}x{width} pixels, more than the picture", height=picture.height, width=picture.width
                    )
                )
            stencil = Image.fromarray(np.asarray(picture.convert("L")) > 0)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(Message("has a mask that is no picture in base64: {reason}", reason=error)) from error
    if box is None:
        return stencil
    width, height = int(box[2] - box[0]) + 1, int(box[3] - box[1]) + 1
    return stencil.crop((0, 0, max(0, min(width, stencil.width)), max(0, min(height, stencil.height))))

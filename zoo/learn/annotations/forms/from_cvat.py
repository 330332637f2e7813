"""CVAT for images 1.1: one XML file of many pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DatasetError, ZooError
from zoo.learn.annotations.annotated import Annotated, Drawn, Found
from zoo.learn.annotations.drawing.canvas import Canvas
from zoo.learn.annotations.drawing.counts import fill_runs
from zoo.learn.annotations.drawing.outlines import fill_area, ring_of, rotated
from zoo.learn.annotations.forms.xml_text import Element, read_xml
from zoo.learn.annotations.places import PictureFiles, files_in, name_of, one_of
from zoo.learn.annotations.wanted import (
    check_drops,
    dropped_label,
    ground_of,
    label_set,
    values_of_names,
    with_background,
)
from zoo.learn.annotations.wishes import Wishes
from zoo.message import Message

_OTHER = Message("XML files that are not CVAT's")
_EMPTY = Message("pictures without annotations")
_NO_AREA = {
    "polyline": Message("polylines, which have no area"),
    "points": Message("points, which have no area"),
    "cuboid": Message("cuboids, which have no outline of their own"),
    "skeleton": Message("skeletons, which have no area"),
    "tag": Message("tags, which are about whole pictures"),
}
_POLYGON = Message("polygons filled as pycocotools does: corners are corners of areas, 0..2 covers 2 pixels")
_BOX = Message("boxes filled as polygons of four corners")
_ELLIPSE = Message("ellipses filled where they hold the centre of a pixel")
_MASK = Message("drawn from run lengths")
_ORDER = Message("Shapes of a higher z_order, and later ones of the same, lie over others.")
_SPLITS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
_MOST_SIDE = 1 << 20


def find_cvat(source: Path, wishes: Wishes) -> Found:
    """Finds the pictures of a file of CVAT for images 1.1, or of all such files of a folder.

    Raises:
        DatasetError: There are none, or a file is damaged or of another form of CVAT.
    """
    folder = source if source.is_dir() else source.parent
    pictures = PictureFiles.of(folder, wishes)
    dropped, names, ordered = Counter[str](), set[str](), dict[str, None]()
    images: list[Element] = []
    for path in files_in(source, ".xml") if source.is_dir() else [source]:
        root = read_xml(path, Message("a file of CVAT for images 1.1"))
        if source.is_dir() and root.tag != "annotations":
            dropped[_OTHER] += 1
            continue
        _check_form(root)
        ordered.update(dict.fromkeys(_labels_of(root)))
        images += root.all("image")
    if not images:
        raise DatasetError(
            "{source} holds no pictures of CVAT for images 1.1: an XML file with <image> elements was expected.",
            'Export from CVAT as "CVAT for images 1.1", or name another format with --from.',
            source=source,
        )
    names.update(shape.text("label") for image in images for shape in image.children)
    ordered.update(dict.fromkeys(sorted(names - set(ordered))))
    check_drops(ordered, wishes)
    labels = label_set(with_background((name for name in ordered if name not in wishes.drop), wishes))
    values = values_of_names(ordered, labels, wishes)
    annotated: list[Annotated] = []
    errors: list[ZooError] = []
    for image in images:
        try:
            beside = [image.file.parent / "images", image.file.parent]
            subset = image.get("subset")
            path = pictures.find(
                image.text("name"), image.node(), beside=[base / sub for base in beside for sub in ("", subset)]
            )
            size = image.whole("height", 1, _MOST_SIDE), image.whole("width", 1, _MOST_SIDE)
        except ZooError as error:
            errors.append(error)
            continue
        if not image.children and not wishes.keep_empty:
            dropped[_EMPTY] += 1
            continue
        draw = partial(_draw, image.children, values, ground_of(labels, wishes))
        split = _SPLITS.get(subset.lower())
        annotated.append(Annotated(name_of(path, pictures.roots), path, image.file, draw, size, split))
    if errors:
        raise one_of(errors, str(source))
    return Found(labels, tuple(annotated), dropped, (_ORDER,))


def _check_form(root: Element) -> None:
    if root.tag != "annotations" or root.all("track"):
        raise root.fault(
            "{place} is not of CVAT for images 1.1.",
            'Export from CVAT as "CVAT for images 1.1"; that for video has tracks in place of pictures.',
        )


def _labels_of(root: Element) -> list[str]:
    """Returns the labels of a task, a project or a job, in their order, without the parts of skeletons."""
    found: list[str] = []
    for meta in root.all("meta"):
        for kind in meta.children:
            for labels in kind.all("labels"):
                for label in labels.all("label"):
                    if not label.all("parent"):
                        found += [name.content.strip() for name in label.all("name")]
    return found


def _draw(shapes: Sequence[Element], values: dict[str, int], ground: int, size: tuple[int, int]) -> Drawn:
    canvas = Canvas(size, ground)
    for shape in sorted(shapes, key=lambda shape: shape.number("z_order", 0)):
        label = shape.text("label")
        if label not in values:
            canvas.dropped[dropped_label(label)] += 1
        elif shape.tag in _NO_AREA:
            canvas.dropped[_NO_AREA[shape.tag]] += 1
        else:
            try:
                _draw_one(canvas, shape, values[label])
            except ValueError as error:
                if isinstance(error, ZooError):
                    raise
                raise shape.fault("{place} {reason}.", reason=error) from error
    return canvas.drawn()


def _draw_one(canvas: Canvas, shape: Element, value: int) -> None:
    size = canvas.size
    if shape.tag == "polygon":
        ring = ring_of(_numbers(shape.text("points")), size)
        if len(ring) < 3:
            raise ValueError(Message("is an outline of fewer than three corners"))
        canvas.fill(fill_area(ring, size), value, _POLYGON)
    elif shape.tag == "box":
        left, top, right, bottom = (shape.number(name) for name in ("xtl", "ytl", "xbr", "ybr"))
        ring = ring_of([left, top, right, top, right, bottom, left, bottom], size)
        canvas.fill(fill_area(rotated(ring, shape.number("rotation", 0)), size), value, _BOX)
    elif shape.tag == "ellipse":
        canvas.fill(_ellipse(shape, size), value, _ELLIPSE)
    elif shape.tag == "mask":
        top, left = shape.whole("top", -_MOST_SIDE, _MOST_SIDE), shape.whole("left", -_MOST_SIDE, _MOST_SIDE)
        height, width = shape.whole("height", 1, size[0]), shape.whole("width", 1, size[1])
        canvas.fill_box(fill_runs(_counts(shape.text("rle")), height, width), top, left, value, _MASK)
    else:
        raise ValueError(Message("is a kind of shape that zoo does not know"))


def _counts(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(Message("has run lengths that are no numbers of pixels")) from error


def _numbers(points: str) -> list[float]:
    try:
        return [float(number) for pair in points.split(";") if pair.strip() for number in pair.split(",")]
    except ValueError as error:
        raise ValueError(Message("has an outline that is no list of x,y;x,y;... in pixels")) from error


def _ellipse(shape: Element, size: tuple[int, int]) -> NDArray[np.bool_]:
    (cx, cy), (rx, ry) = ring_of([shape.number(name) for name in ("cx", "cy", "rx", "ry")], size)
    angle = np.deg2rad(shape.number("rotation", 0))
    y, x = np.ogrid[: size[0], : size[1]]
    x, y = x + 0.5 - cx, y + 0.5 - cy
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    if rx <= 0 or ry <= 0:
        raise ValueError(Message("is an ellipse without an area"))
    return (across / rx) ** 2 + (along / ry) ** 2 <= 1

"""CVAT for images 1.1: an XML file with a mask a class and picture, for correcting by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from zoo.message import printable
from zoo.results.classes import class_names, color_table
from zoo.results.formats.runs import Runs, runs_by_value
from zoo.results.formats.sources import Pictures
from zoo.results.small import without_small

if TYPE_CHECKING:
    from zoo.results.result import Result


def to_cvat(results: Result | Iterable[Result], *, min_area: int = 0) -> str:
    """Makes the annotations of one or many results, as "CVAT 1.1" imports them into a task or project.

    Each class is one mask: run lengths of its bounding box, row after row, the first of other pixels. The labels of the
    task must have the names that the file lists. Pixels without a class have no annotation. What XML cannot hold in
    a name stands as a backslash escape.

    Args:
        results: Results of one label set; of an iterator each is let go before the next is taken.
        min_area: Pixels that a region must have to stay; a smaller one becomes part of the neighbour with which it
            shares most of its edge.

    Returns:
        The whole file; a comment at its beginning is zoo's, for telling its own files from others.

    Raises:
        OutputError: There is no result, the results have different classes, or the area is not a number from 0 up.
    """
    pictures = Pictures("zoo.cvat/1", results)
    images: list[ET.Element] = []
    values: set[int] = set()
    for result in pictures:
        found = runs_by_value(without_small(result.mask, min_area))
        runs = {value: runs for value, runs in found.items() if pictures.is_class(value)}
        images.append(_image(result, len(images), runs))
        values.update(runs)
    root = ET.Element("annotations")
    _add(root, "version", "1.1")
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    for tag, text in (("name", "zoo"), ("size", str(len(images))), ("mode", "annotation")):
        _add(task, tag, text)
    labels = ET.SubElement(task, "labels")
    classes = pictures.classes(values)
    table = color_table(pictures.labels, 256 if max(classes) < 256 else 65536)
    for value, name in classes.items():
        label = ET.SubElement(labels, "label")
        for tag, text in (("name", printable(name)), ("color", f"#{table[value].tobytes().hex()}"), ("type", "mask")):
            _add(label, tag, text)
        ET.SubElement(label, "attributes")
    for image, name in zip(images, pictures.file_names(), strict=True):
        image.set("name", printable(name))
        root.append(image)
    ET.indent(root)
    # A comment must not hold two dashes in a row.
    comment = pictures.mark().text().replace("--", "-\\u002d")
    body = ET.tostring(root, encoding="unicode", short_empty_elements=False)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<!-- {comment} -->\n{body}\n'


def encode(results: Iterable[Result], path: Path, min_area: int = 0) -> bytes:
    """Encodes them as a file; the options are those of `to_cvat`."""
    return to_cvat(results, min_area=min_area).encode("utf-8")


def _image(result: Result, number: int, classes: dict[int, Runs]) -> ET.Element:
    height, width = result.mask.shape
    image = ET.Element("image", id=str(number), name="", width=str(width), height=str(height))
    for name, runs in zip(class_names(result.labels, list(classes)), classes.values(), strict=True):
        top, left, high, wide = runs.box()
        counts = runs.counts(top, left, high, wide).tolist()
        ET.SubElement(
            image,
            "mask",
            label=printable(name),
            source="auto",
            occluded="0",
            rle=", ".join(map(str, counts)),
            left=str(left),
            top=str(top),
            width=str(wide),
            height=str(high),
            z_order="0",
        )
    return image


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text

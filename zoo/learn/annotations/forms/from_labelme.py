"""LabelMe: a JSON file a picture, drawn as LabelMe draws it."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from zoo.contract.labels import LabelSet
from zoo.errors import DatasetError, ZooError
from zoo.learn.annotations.annotated import Annotated, Drawn, Found
from zoo.learn.annotations.places import PictureFiles, files_in, holds_picture, one_of, stem_of
from zoo.learn.annotations.wanted import check_drops, dropped_label, ground_of, label_set, with_background
from zoo.learn.annotations.wishes import Wishes
from zoo.message import Message
from zoo.results.encode import read_mark
from zoo.results.formats.labelme_reader import IGNORED, LABELME, draw_labelme, labelme_size, open_labelme
from zoo.settings.document import Node
from zoo.settings.json_text import read_json

_NO_SHAPES = Message("JSON files without shapes")
_POINTS = Message("shapes of the kind `points`, which LabelMe does not draw either")
_UNANNOTATED = Message("pictures without annotations")
_LINES = Message("lines drawn 10 pixels wide, as LabelMe does")
_FILLED = Message("filled with the outline, corners cut to whole pixels, as LabelMe does")
_RULES = {
    "line": _LINES,
    "linestrip": _LINES,
    "point": Message("points drawn as circles of radius 5, as LabelMe does"),
    "mask": Message("drawn from a bitmap"),
}
_ORDER = Message("Later shapes lie over earlier ones.")


def find_labelme(source: Path, wishes: Wishes) -> Found:
    """Finds the LabelMe files of a folder and those inside it.

    Raises:
        DatasetError: There are none, or their labels cannot be classes.
        DecodeError: A file is damaged.
    """
    folder = source if source.is_dir() else source.parent
    pictures = PictureFiles.of(folder, wishes)
    dropped, names = Counter[str](), set[str]()
    files: list[tuple[Path, Path | Callable[[], bytes], tuple[int, int] | None]] = []
    errors: list[ZooError] = []
    for path in files_in(folder, ".json") if source.is_dir() else [source]:
        try:
            root = read_json(path, LABELME)
            if not isinstance(root.value, dict) or "shapes" not in root:
                dropped[_NO_SHAPES] += 1
                continue
            size = labelme_size(root)
            names.update(label for _, label in _labels_in(root))
            files.append((path, _picture_of(root, path, pictures), size))
        except ZooError as error:
            errors.append(error)
    if errors:
        raise one_of(errors, str(source))
    if not files:
        raise DatasetError(
            "{source} holds no LabelMe file: a JSON file with `shapes` a picture was expected.",
            "Give the folder with the JSON files, or name another format with --from.",
            source=source,
        )
    check_drops(sorted(names), wishes)
    labels = label_set(with_background(sorted(names - {IGNORED} - wishes.drop), wishes))
    annotated = tuple(
        Annotated(stem_of(path, folder), picture, path, partial(_draw, path, labels, wishes), size)
        for path, picture, size in files
    )
    used = {one.picture for one in annotated}
    if alone := sum(path not in used and holds_picture(path) for path in files_in(folder)):
        dropped[_UNANNOTATED] += alone
    return Found(labels, annotated, dropped, (_ORDER, *_uncorrected([path for path, _, _ in files])))


def _uncorrected(files: Sequence[Path]) -> Iterator[Message]:
    """Says how many files are what a model found, as of `zoo select`: LabelMe moves the mark of zoo when it saves."""
    if count := sum(read_mark(path) is not None for path in files):
        yield Message("Files as zoo wrote them, which nobody has corrected and saved: {count}.", count=count)


def _labels_in(root: Node) -> Iterator[tuple[Node, str]]:
    """Yields the shapes of a file that LabelMe draws, and their labels."""
    for _, shape in root["shapes"].members():
        label = shape.value.get("label")
        if not isinstance(label, str):
            raise shape.fault("{place} has the label {label!r:.60}; text was expected.", label=label)
        if shape.value.get("shape_type") != "points":
            yield shape, label


def _picture_of(root: Node, path: Path, pictures: PictureFiles) -> Path | Callable[[], bytes]:
    """Returns the file that LabelMe's names, or what reads the picture inside it."""
    inside = root.value.get("imageData") is not None
    name = root.value.get("imagePath")
    try:
        if not isinstance(name, str):
            raise root.fault("{place} has no imagePath, the name of its picture.")
        found = pictures.find(name, root["imagePath"], beside=(path.parent,))
    except ZooError:
        if inside:
            return partial(_embedded, path)
        raise
    return partial(_embedded, path) if inside and not holds_picture(found) else found


def _embedded(path: Path) -> bytes:
    root = open_labelme(path)
    try:
        return base64.b64decode(str(root.value.get("imageData")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise root["imageData"].fault("{place} is no picture in base64: {reason}.", reason=error) from error


def _draw(path: Path, labels: LabelSet, wishes: Wishes, size: tuple[int, int]) -> Drawn:
    root = open_labelme(path)
    shapes, dropped, rules = list[Node](), Counter[str](), Counter[str]()
    drawn = Counter[int]()
    for shape, label in _labels_in(root):
        if label in wishes.drop:
            dropped[dropped_label(label)] += 1
            continue
        shapes.append(shape)
        rules[_RULES.get(str(shape.value.get("shape_type")), _FILLED)] += 1
        if label in labels.names:
            drawn[labels.names.index(label)] += 1
    if points := len(root.value["shapes"]) - len(shapes) - dropped.total():
        dropped[_POINTS] += points
    mask = draw_labelme(root, shapes, labels, size, ground_of(labels, wishes))
    return Drawn(mask.astype(np.uint8, copy=False), drawn, dropped, rules)

"""COCO: one JSON file of many pictures, with polygons or run lengths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import DatasetError, ZooError
from zoo.learn.annotations.annotated import Annotated, Drawn, Found
from zoo.learn.annotations.drawing.canvas import Canvas
from zoo.learn.annotations.drawing.counts import fill_runs, read_lengths
from zoo.learn.annotations.drawing.outlines import fill_area, fill_centres, ring_of, through_centres
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
from zoo.picture.image import MAX_PIXELS
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node
from zoo.settings.json_text import read_json
from zoo.settings.rules import STRING, array, mapping, optional, whole

_COCO = DocumentKind(
    error=DatasetError,
    noun=Message("a COCO file of polygons or run lengths"),
    hint=Message("Export the annotations again as COCO with segmentation."),
    named=Message("{file} cannot be read as a COCO file"),
    limit=1 << 30,
)
_ID = whole(0, 2**63 - 1)
_SIDE = optional(whole(1, MAX_PIXELS))
_SCHEMA = mapping(
    {
        "images": array(mapping({"id": _ID, "file_name": STRING}, {"height": _SIDE, "width": _SIDE})),
        "annotations": array(mapping({"image_id": _ID, "category_id": _ID})),
        "categories": array(mapping({"id": _ID, "name": STRING})),
    }
)
_OTHER = Message("JSON files without images, annotations and categories")
_EMPTY = Message("pictures without annotations")
_BOXES = Message("annotations without a segmentation: boxes or key points only")
_FEW = Message("outlines of fewer than three corners")
_RUNS = Message("drawn from run lengths")
_CROWD = Message("crowd regions drawn as regions of their class")
_EDGES = Message("polygons filled as pycocotools does: corners are corners of areas, 0..2 covers 2 pixels")
_CENTRES = Message(
    "polygons filled with their outlines: corners are centres of pixels, 0..2 covers 3 pixels; holes that the export "
    "filled stay filled"
)
_DETECTED = Message(
    "{file}: its polygons are outlines through centres of pixels (whole numbers, straight and diagonal edges), as "
    "exports from masks write them; --contours edges fills them as areas."
)
_ORDER = Message("Later annotations lie over earlier ones.")
_IN_NAME = re.compile(r"(?:^|[^a-z])(train|val|test)(?:[^a-z]|$)|(valid)(?:ation)?(?:[^a-z]|$)")


class _File(NamedTuple):
    root: Node
    path: Path
    names: dict[int, str]
    split: str | None


def find_coco(source: Path, wishes: Wishes) -> Found:
    """Finds the pictures of a COCO file, or of all COCO files of a folder.

    Raises:
        DatasetError: There are none, or a file is damaged.
    """
    folder = source if source.is_dir() else source.parent
    if source.is_file() and folder.name == "annotations":
        folder = folder.parent
    pictures = PictureFiles.of(folder, wishes)
    dropped = Counter[str]()
    files: list[_File] = []
    for path in files_in(source, ".json") if source.is_dir() else [source]:
        root = read_json(path, _COCO)
        if source.is_dir() and not all(key in root for key in ("images", "annotations", "categories")):
            dropped[_OTHER] += 1
            continue
        conform(root, _SCHEMA)
        files.append(_File(root, path, _categories(root), _split(path)))
    if not files:
        raise DatasetError(
            "{source} holds no COCO file: a JSON file with images, annotations and categories was expected.",
            "Give the file or its folder, or name another format with --from.",
            source=source,
        )
    ordered = dict.fromkeys(name for file in files for _, name in sorted(file.names.items()))
    check_drops(ordered, wishes)
    labels = label_set(with_background((name for name in ordered if name not in wishes.drop), wishes))
    values = values_of_names(ordered, labels, wishes)
    rules: list[str] = [_ORDER]
    annotated: list[Annotated] = []
    taken: dict[Path, Path] = {}
    errors: list[ZooError] = []
    for file in files:
        centres = wishes.contours == "centres"
        if wishes.contours == "auto" and through_centres(_plain_rings(file.root)):
            centres = True
            rules.append(Message(_DETECTED, file=file.path.name))
        shapes = _by_image(file)
        for image, node in shapes.items():
            try:
                entry = file.root["images"][image]
                path = pictures.find(entry.value["file_name"], entry["file_name"], beside=_beside(file, folder, wishes))
                if path in taken:
                    raise entry.fault(
                        "{place} is the picture {picture}, which {other} has too.",
                        "Give one of the files in place of the folder.",
                        picture=path,
                        other=taken[path].name,
                    )
            except ZooError as error:
                errors.append(error)
                continue
            taken[path] = file.path
            if not node and not wishes.keep_empty:
                dropped[_EMPTY] += 1
                continue
            size = entry.value.get("height"), entry.value.get("width")
            draw = partial(_draw, node, file.names, values, ground_of(labels, wishes), centres)
            annotated.append(
                Annotated(
                    name_of(path, pictures.roots),
                    path,
                    file.path,
                    draw,
                    None if None in size else (int(size[0]), int(size[1])),
                    file.split,
                )
            )
    if errors:
        raise one_of(errors, str(source))
    return Found(labels, tuple(annotated), dropped, tuple(rules))


def _split(path: Path) -> str | None:
    match = _IN_NAME.search(path.stem.lower())
    return None if match is None else match[1] or "val"


def _beside(file: _File, folder: Path, wishes: Wishes) -> list[Path]:
    base = wishes.images or folder
    stem = file.path.stem.rpartition("_")[2]
    return [file.path.parent, *(base / name for name in ("images", stem, f"images/{stem}"))]


def _categories(root: Node) -> dict[int, str]:
    """Returns the names of the classes by their ids."""
    names: dict[int, str] = {}
    for _, node in root["categories"].members():
        number = int(node.value["id"])
        if number in names:
            raise node.fault("{place} has the id {number}, which an earlier category has too.", number=number)
        names[number] = node.value["name"].strip()
    return names


def _by_image(file: _File) -> dict[int, list[Node]]:
    """Returns the annotations of each picture, by its place in the list of pictures."""
    places: dict[int, int] = {}
    for place, node in file.root["images"].members():
        if node.value["id"] in places:
            raise node.fault(
                "{place} has the id {number}, which an earlier picture has too.", number=int(node.value["id"])
            )
        places[int(node.value["id"])] = place
    shapes: dict[int, list[Node]] = {place: [] for place in places.values()}
    for _, node in file.root["annotations"].members():
        image, category = int(node.value["image_id"]), int(node.value["category_id"])
        if image not in places or category not in file.names:
            raise node.fault(
                "{place} has the {what} {number}, and there is none of this id.",
                what="image_id" if image not in places else "category_id",
                number=image if image not in places else category,
            )
        shapes[places[image]].append(node)
    return shapes


def _plain_rings(root: Node) -> Iterator[Any]:
    """Yields the outlines of a file that are lists of numbers; of others is told when they are drawn."""
    for annotation in root.value["annotations"]:
        polygons = annotation.get("segmentation")
        for ring in polygons if isinstance(polygons, list) else ():
            if isinstance(ring, list) and len(ring) % 2 == 0 and all(isinstance(n, (int, float)) for n in ring):
                try:
                    yield np.array(ring, np.float64).reshape(-1, 2)
                except OverflowError:
                    return


def _draw(
    nodes: Sequence[Node],
    names: dict[int, str],
    values: dict[str, int],
    ground: int,
    centres: bool,
    size: tuple[int, int],
) -> Drawn:
    canvas = Canvas(size, ground)
    for node in nodes:
        name = names[int(node.value["category_id"])]
        if name not in values:
            canvas.dropped[dropped_label(name)] += 1
            continue
        try:
            _draw_one(canvas, node.value, values[name], centres)
        except ValueError as error:
            raise node.fault("{place} {reason}.", reason=error) from error
    return canvas.drawn()


def _draw_one(canvas: Canvas, annotation: dict[str, Any], value: int, centres: bool) -> None:
    shape, size = annotation.get("segmentation"), canvas.size
    if not shape:
        canvas.dropped[_BOXES] += 1
    elif isinstance(shape, dict):
        canvas.fill(_runs(shape, size), value, _CROWD if annotation.get("iscrowd") == 1 else _RUNS)
    elif isinstance(shape, list):
        rings = [ring_of(ring, size) for ring in shape if isinstance(ring, list)]
        if len(rings) != len(shape):
            raise ValueError(Message("has an outline that is no list of x, y, x, y, ... in pixels"))
        # A line and a point are regions one pixel wide where corners are centres of pixels.
        drawable = [ring for ring in rings if len(ring) > (0 if centres else 2)]
        if few := len(rings) - len(drawable):
            canvas.dropped[_FEW] += few
        if drawable:
            # Several outlines of one annotation are parts of it, never holes.
            fill = fill_centres if centres else fill_area
            inside = np.logical_or.reduce([fill(ring, size) for ring in drawable])
            canvas.fill(inside, value, _CENTRES if centres else _EDGES)
    else:
        raise ValueError(Message("has a segmentation that is neither polygons nor run lengths"))


def _runs(shape: dict[str, Any], size: tuple[int, int]) -> Any:
    counts = shape.get("counts")
    if shape.get("size") != list(size):
        raise ValueError(
            Message(
                "has run lengths of the size {found!r:.40}; {height}x{width} was expected",
                found=shape.get("size"),
                height=size[0],
                width=size[1],
            )
        )
    if isinstance(counts, str):
        counts = read_lengths(counts)
    if not isinstance(counts, list):
        raise ValueError(Message("has run lengths that are neither text nor a list"))
    # Column after column.
    return fill_runs(counts, size[1], size[0]).T

"""Cityscapes: leftImg8bit and gtFine or gtCoarse, as label ids, as train ids, or as polygons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from zoo.contract.labels import CITYSCAPES
from zoo.contract.labels.conversions import CITYSCAPES_IDS
from zoo.errors import DatasetError
from zoo.learn.annotations.annotated import Annotated, Drawn, Found
from zoo.learn.annotations.drawing.mask_classes import draw_values, meaning_table
from zoo.learn.annotations.drawing.outlines import ring_of
from zoo.learn.annotations.forms.from_masks import UNLABELLED
from zoo.learn.annotations.places import files_in, folder_of, stem_of
from zoo.learn.annotations.wanted import IGNORE_INDEX, kept_names, label_set, new_values
from zoo.learn.annotations.wishes import Wishes
from zoo.message import Message
from zoo.picture.image import MAX_PIXELS
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import STRING, array, mapping, whole

_KIND = DocumentKind(
    error=DatasetError,
    noun=Message("a file of polygons of Cityscapes"),
    hint=Message("Copy the file again."),
    named=Message("{file} cannot be read as polygons of Cityscapes"),
    limit=1 << 28,
)
_SCHEMA = mapping(
    {
        "imgHeight": whole(1, MAX_PIXELS),
        "imgWidth": whole(1, MAX_PIXELS),
        "objects": array(mapping({"label": STRING, "polygon": array(array({"type": "number"}, 2, 2))})),
    }
)
_IMAGE = "_leftImg8bit"
_NO_TEST = Message("pictures of test, whose labels are not public")
_IDS = Message("The 19 classes of the benchmark; the other ids of Cityscapes are ignored.")
_OWN = Message("Classes by their names among the 34 ids of Cityscapes; the others are ignored.")
_POLYGONS = Message("polygons filled with their outlines, later ones over earlier ones, as Cityscapes does")
_PLATES = Message("licence plates, which Cityscapes does not draw")
_DELETED = Message("objects marked as deleted")
_PLATE, _GROUP = "license plate", "group"


def find_cityscapes(source: Path, wishes: Wishes) -> Found:
    """Finds the pictures of Cityscapes, those of test without the labels that are no labels.

    Raises:
        DatasetError: It has no such folders, or no labels of a picture.
    """
    images, truth = folder_of(wishes.images or source, "leftImg8bit"), folder_of(source, "gtFine", "gtCoarse")
    if images is None or truth is None:
        raise DatasetError(
            "{source} is no folder of Cityscapes: leftImg8bit/ and gtFine/ or gtCoarse/ were expected.",
            "Give the folder that holds them, or name another format with --from.",
            source=source,
        )
    labels = label_set(
        kept_names(CITYSCAPES.names if wishes.labels is None else CITYSCAPES_IDS.names, wishes),
        dict(zip(CITYSCAPES_IDS.names, CITYSCAPES_IDS.palette, strict=True)),
    )
    ids = new_values(CITYSCAPES_IDS.names, labels, wishes)
    train_ids = new_values(CITYSCAPES.names, labels, wishes)
    drawers: dict[str, Callable[[Path, tuple[int, int]], Drawn]] = {
        "labelIds.png": partial(_by_table, meaning_table(ids, [*range(len(ids), 256)])),
        "labelTrainIds.png": partial(_by_table, meaning_table(train_ids, [IGNORE_INDEX])),
        "polygons.json": partial(_polygons, {CITYSCAPES_IDS.names[old]: new for old, new in ids.items()}),
    }
    dropped = Counter[str]()
    annotated: list[Annotated] = []
    known: set[Path] = set()
    for image in files_in(images, f"{_IMAGE.lower()}.png"):
        stem = stem_of(image, images)
        split = stem.split("/")[0]
        start = truth / f"{stem.removesuffix(_IMAGE)}_{truth.name}_"
        found = next((ending for ending in drawers if Path(f"{start}{ending}").is_file()), None)
        if split == "test" or found is None:
            dropped[_NO_TEST if split == "test" else UNLABELLED] += 1
            continue
        path = Path(f"{start}{found}")
        known.add(path.parent / path.name.removesuffix(found))
        name = stem.removesuffix(_IMAGE)
        annotated.append(
            Annotated(name, image, path, partial(drawers[found], path), None, split if split == "val" else "train")
        )
    if not annotated:
        raise DatasetError(
            "No picture in {images} has labels in {masks}.",
            "The labels of x_leftImg8bit.png are x_{name}_labelIds.png, _labelTrainIds.png or _polygons.json.",
            images=images,
            masks=truth,
            name=truth.name,
        )
    return Found(labels, tuple(annotated), dropped, (_IDS if wishes.labels is None else _OWN,))


def _by_table(table: np.ndarray, path: Path, size: tuple[int, int]) -> Drawn:
    return draw_values(path, table, size)


def _polygons(values: dict[str, int], path: Path, size: tuple[int, int]) -> Drawn:
    """Draws the objects of a file: what has no id is not drawn, and a group is drawn as its kind."""
    root = read_json(path, _KIND)
    content = conform(root, _SCHEMA)
    if (content["imgHeight"], content["imgWidth"]) != size:
        raise root.fault(
            "{place} is about a picture of {height}x{width}, and its picture is {real_height}x{real_width}.",
            height=content["imgHeight"],
            width=content["imgWidth"],
            real_height=size[0],
            real_width=size[1],
        )
    canvas = Image.new("L", (size[1], size[0]), values["unlabeled"])
    pen = ImageDraw.Draw(canvas)
    shapes, dropped, rules = Counter[int](), Counter[str](), Counter[str]()
    for number, thing in enumerate(content["objects"]):
        node = root["objects"][number]
        label = thing["label"]
        label = label.removesuffix(_GROUP) if label not in values else label
        if thing.get("deleted") or label == _PLATE:
            dropped[_DELETED if thing.get("deleted") else _PLATES] += 1
            continue
        if label not in values:
            raise node.fault("{place} has the label {label!r:.60}, which Cityscapes does not have.", label=label)
        try:
            ring = ring_of([part for point in thing["polygon"] for part in point], size)
        except ValueError as error:
            raise node.fault("{place} {reason}.", reason=error) from error
        if len(ring) < 2:
            raise node.fault("{place} {reason}.", reason=Message("is an outline of fewer than two corners"))
        pen.polygon([(float(x), float(y)) for x, y in ring], fill=values[label])
        rules[_POLYGONS] += 1
        if values[label] != IGNORE_INDEX:
            shapes[values[label]] += 1
    return Drawn(np.array(canvas), shapes, dropped, rules)

"""COCO: run lengths in the order of columns, and documents of images, annotations and categories.

The run lengths are what pycocotools makes, byte for byte. The documents are those of stuff segmentation: one annotation
a class and picture, whose area and box follow from its mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.results.classes import classes_in
from zoo.results.encode import encode_document
from zoo.results.formats.runs import Runs, runs_by_value
from zoo.results.formats.sources import Pictures

if TYPE_CHECKING:
    from zoo.results.result import Result


def encode_rle(mask: NDArray[np.bool_], compressed: bool = True) -> dict[str, Any]:
    """Encodes a mask of one thing.

    Args:
        mask: (H, W), true where the thing is.
        compressed: Write the lengths as COCO's text; otherwise as a list of numbers.

    Returns:
        "size" [H, W] and "counts": lengths of alternating runs of false and true, column after column.

    Raises:
        ValueError: The mask is not (H, W) of bool with at least one pixel.
    """
    if mask.ndim != 2 or not mask.size or mask.dtype != np.bool_:
        raise ValueError(f"mask is {mask.shape} {mask.dtype}; expected (H, W) bool with at least one pixel")
    runs = runs_by_value(mask.T.view(np.uint8)).get(1)
    return _rle(runs, mask.shape[0], mask.shape[1], compressed)


def to_coco(results: Result | Iterable[Result], *, compressed: bool = True) -> dict[str, Any]:
    """Makes a COCO document of one or many results.

    Category ids are class values + 1, because Datumaro and CVAT take 0 for "no class"; image and annotation ids count
    from 1. Pixels without a class have no annotation. If there are scores, each annotation has the mean of its own as
    "score".

    Args:
        results: Results of one label set; of an iterator each is let go before the next is taken.
        compressed: Run lengths as COCO's text; otherwise as lists of numbers.

    Returns:
        Plain data. The fields before "info" are zoo's, for telling its own files from others.

    Raises:
        OutputError: There is no result, or the results have different classes.
    """
    pictures = Pictures("zoo.coco/2", results)
    models: dict[str, None] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for result in pictures:
        height, width = result.mask.shape
        images.append({"id": len(images) + 1, "file_name": "", "height": height, "width": width})
        models[result.model] = None
        scores = {area.value: area.score for area in classes_in(result.mask, result.labels, result.scores)}
        for value, runs in runs_by_value(result.mask.T).items():
            if pictures.is_class(value):
                place = {"id": len(annotations) + 1, "image_id": len(images), "category_id": value + 1}
                score = scores[value]
                annotations.append(
                    {**place, **_area(runs, height, width, compressed), **({} if score is None else {"score": score})}
                )
    for image, name in zip(images, pictures.file_names(), strict=True):
        image["file_name"] = name
    categories = pictures.classes(annotation["category_id"] - 1 for annotation in annotations)
    return {
        **pictures.mark().fields(),
        "info": {"description": f"Semantic segmentation by {', '.join(models)}"},
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": value + 1, "name": name, "supercategory": pictures.labels.name} for value, name in categories.items()
        ],
    }


def encode(results: Iterable[Result], path: Path, compressed: bool = True) -> bytes:
    """Encodes them as a file; the options are those of `to_coco`."""
    return encode_document(to_coco(results, compressed=compressed))


def _area(runs: Runs, height: int, width: int, compressed: bool) -> dict[str, Any]:
    left, top, wide, high = runs.box()
    return {
        "segmentation": _rle(runs, height, width, compressed),
        "area": runs.pixels,
        "bbox": [left, top, wide, high],
        "iscrowd": 0,
    }


def _rle(runs: Runs | None, height: int, width: int, compressed: bool) -> dict[str, Any]:
    counts = np.array([height * width]) if runs is None else runs.counts(0, 0, width, height)
    return {"size": [height, width], "counts": _compress(counts) if compressed else counts.tolist()}


def _compress(counts: NDArray[np.int64]) -> str:
    """Writes lengths as text: from the fourth on the difference to the last but one, in digits of five bits, lowest
    first, a sixth bit for "more follow", each digit the character 48 further on.
    """
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    open_ = np.ones(rest.size, dtype=np.bool_)
    digits: list[NDArray[np.uint8]] = []
    while open_.any():
        digit = rest & 31
        rest >>= 5
        # The sign is the digit's highest bit.
        more = np.where(digit & 16, rest != -1, rest != 0)
        digits.append(np.where(open_, digit + 32 * more + 48, 0).astype(np.uint8))
        open_ &= more
    text = np.stack(digits, axis=1)
    return text[text != 0].tobytes().decode("ascii")

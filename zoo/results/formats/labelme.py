"""LabelMe: a JSON file a picture, for correcting outlines by hand, and the way back to a mask.

LabelMe's polygons have no holes, and a shape lies over those before it. So every region becomes one polygon, its outer
ring filled, the larger ones first: whatever lies in a hole is smaller than what surrounds it and comes later. Pixels
without a class become shapes with the label "__ignore__".

LabelMe fills a polygon and draws its outline, with coordinates cut to whole numbers, so a right or lower edge at 13
would take column or row 13 in, too. Such edges stand at 12.99 here: in LabelMe as in programs that measure areas the
mask is the same.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import user_path
from zoo.contract.format import Mark
from zoo.results.classes import class_names
from zoo.results.encode import encode_document, encode_png
from zoo.results.formats.labelme_reader import IGNORED, read_labelme
from zoo.results.formats.polygons import Polygon, Ring, trace
from zoo.results.formats.simplify import check_tolerance, simplify_ring
from zoo.results.small import without_small

if TYPE_CHECKING:
    from zoo.contract.labels import LabelSet
    from zoo.results.result import Result

__all__ = ["read_labelme", "to_labelme"]

# The version of LabelMe whose files these are.
_VERSION = "5.5.0"
_GAP = 0.01
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pbm", ".pgm", ".ppm")


def to_labelme(
    result: Result,
    *,
    folder: str | os.PathLike[str] | None = None,
    tolerance: float = 0.0,
    min_area: int = 0,
) -> dict[str, Any]:
    """Makes a LabelMe file of a result.

    Args:
        result: Any result.
        folder: Where the file will be. A source that is a picture file is named by its path from there, by its absolute
            path without a folder. Every other one, an array, an address or a frame, is put into the document as PNG.
        tolerance: Pixels by which an outline may leave the exact one to save corners. With 0 LabelMe and `read_labelme`
            give exactly the mask; above, outlines of neighbours may overlap or leave gaps.
        min_area: Pixels that a region must have to stay; a smaller one becomes part of the neighbour with which it
            shares most of its edge.

    Returns:
        Plain data. The first two fields are zoo's; LabelMe keeps them, but no longer first, so that a corrected file is
        never taken for an output and replaced.

    Raises:
        OutputError: The tolerance or the area is not a number from 0 up.
    """
    check_tolerance(tolerance)
    height, width = result.mask.shape
    is_file = result.uri.lower().endswith(_PICTURES) and os.path.isabs(result.uri) and os.path.isfile(result.uri)
    path = os.path.relpath(result.uri, user_path(folder)) if is_file and folder is not None else result.uri
    embedded = None if is_file else base64.b64encode(encode_png(result.image, result.uri)).decode("ascii")
    mask = without_small(result.mask, min_area)
    polygons = trace(mask)
    return {
        **Mark("zoo.labelme/1", result.uri).fields(),
        "version": _VERSION,
        "flags": {},
        "shapes": [
            {
                "label": label,
                "points": points,
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for label, points in _shapes(mask, result.labels, polygons, tolerance)
        ],
        "imagePath": PurePath(path).as_posix() if is_file else f"{result.name}.png",
        "imageData": embedded,
        "imageHeight": height,
        "imageWidth": width,
    }


def encode(results: Iterable[Result], path: Path, tolerance: float = 0.0, min_area: int = 0) -> bytes:
    """Encodes them as a file; the options are those of `to_labelme`."""
    (result,) = results
    return encode_document(to_labelme(result, folder=path.parent, tolerance=tolerance, min_area=min_area))


def _label(labels: LabelSet, value: int) -> str:
    if value == labels.ignore_index and value >= len(labels) and IGNORED not in labels.names:
        return IGNORED
    return class_names(labels, [value])[0]


def _shapes(
    mask: NDArray[np.uint8 | np.uint16], labels: LabelSet, polygons: Sequence[Polygon], tolerance: float
) -> Iterator[tuple[str, list[list[float]]]]:
    """Yields label and points of each polygon, those whose outer rings hold more first."""
    names = {value: _label(labels, value) for value in {polygon.value for polygon in polygons}}
    # All rings as one: thousands of regions would make thousands of calls of everything.
    ring = np.concatenate([polygon.outer for polygon in polygons])
    sizes = np.array([len(polygon.outer) for polygon in polygons])
    ends = np.cumsum(sizes)
    following = np.arange(1, len(ring) + 1)
    following[ends - 1] = ends - sizes
    after = ring[following]
    areas = np.add.reduceat(ring[:, 0] * after[:, 1] - after[:, 0] * ring[:, 1], ends - sizes)
    values = np.repeat(np.array([polygon.value for polygon in polygons]), sizes)
    points, counts = _drawable(ring, following, values, mask)
    stops = np.cumsum(np.add.reduceat(counts, ends - sizes))
    drawn = np.split(points, stops[:-1])
    for number in np.argsort(-areas, kind="stable").tolist():
        yield names[polygons[number].value], simplify_ring(drawn[number], tolerance).tolist()


def _drawable(
    ring: Ring, following: NDArray[np.int64], values: NDArray[np.int64], mask: NDArray[np.uint8 | np.uint16]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Moves corners so that cut to whole numbers a ring goes through the pixels at the edge of its region.

    Args:
        ring: (N, 2) corners of rings.
        following: The corner after each.
        values: The value of each corner's region.
        mask: The mask.

    Returns:
        The points, and how many each corner became: 2 where two pixels of the region touch there only, otherwise 1.
    """
    leaving = np.sign(ring[following] - ring)
    arriving = np.empty_like(leaving)
    arriving[following] = leaving
    # The pixels at the right hand of who arrives at a corner, of who leaves it, and of who would go straight on.
    behind, ahead, straight = _pixel(-arriving, arriving), _pixel(leaving, leaving), _pixel(arriving, arriving)
    convex = (behind == ahead).all(axis=1)
    # An inner corner has the region on all other sides; or only the two pixels beside it, which touch at a corner.
    x, y = np.clip(ring - straight, 0, np.array(mask.shape[::-1]) - 1).T
    full = ~convex & (mask[y, x] == values)
    first = ring - _GAP * np.where(full[:, None], straight, behind)
    second = ring - _GAP * ahead
    kept = np.stack((np.ones(len(ring), np.bool_), ~convex & ~full), axis=1)
    return np.stack((first, second), axis=1)[kept].round(2), kept.sum(axis=1)


def _pixel(forward: Ring, direction: Ring) -> Ring:
    """Returns for each corner whether the pixel forward and to the right of a direction is left of it, and above it."""
    right = np.stack((-direction[:, 1], direction[:, 0]), axis=1)
    return (forward + right < 0).astype(np.int64)

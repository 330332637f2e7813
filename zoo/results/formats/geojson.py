"""GeoJSON: the outlines as features, for programs that draw and measure vector data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.format import Mark
from zoo.results.classes import classes_in
from zoo.results.encode import encode_document
from zoo.results.formats.polygons import Ring, trace

if TYPE_CHECKING:
    from zoo.results.result import Result

_SYSTEM = (
    "pixels of the picture, not degrees: x to the right, y down, (0, 0) is the upper left corner of the upper left "
    "pixel"
)


def to_geojson(result: Result, *, tolerance: float = 0.0) -> dict[str, Any]:
    """Makes a feature collection (RFC 7946) with a polygon for every region, also of those without a class.

    As the coordinates are numbers, outer rings are counterclockwise and holes clockwise, which is the standard's
    right-hand rule; on a picture, where y points down, it looks the other way round.

    Args:
        result: Any result.
        tolerance: Pixels by which an outline may leave the exact one to save corners. Above 0 outlines of neighbours
            may overlap or leave gaps, and a ring may cross itself.

    Returns:
        Plain data. Each feature has the properties "value", "name", "color" ("#rrggbb") and "pixels".

    Raises:
        OutputError: The tolerance is not a number from 0 up.
    """
    classes = {area.value: area for area in classes_in(result.mask, result.labels)}
    height, width = result.mask.shape
    return {
        **Mark("zoo.geojson/1", result.uri).fields(),
        "type": "FeatureCollection",
        "coordinate_system": _SYSTEM,
        "size": [height, width],
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "value": polygon.value,
                    "name": classes[polygon.value].name,
                    "color": f"#{bytes(classes[polygon.value].color).hex()}",
                    "pixels": polygon.pixels,
                },
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [_closed(polygon.outer), *(_closed(hole) for hole in polygon.holes)],
                },
            }
            for polygon in trace(result.mask, tolerance)
        ],
    }


def encode(results: Iterable[Result], path: Path, tolerance: float = 0.0) -> bytes:
    """Encodes them as a file; the options are those of `to_geojson`."""
    (result,) = results
    return encode_document(to_geojson(result, tolerance=tolerance))


def _closed(ring: Ring) -> list[list[int]]:
    points = ring.tolist()
    return [*points, points[0]]

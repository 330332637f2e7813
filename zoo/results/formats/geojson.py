"""GeoJSON: the outlines as features, for programs that draw and measure vector data."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo.contract.format import Mark
from zoo.errors import OutputError
from zoo.message import printable
from zoo.results.classes import classes_in
from zoo.results.encode import encode_document
from zoo.results.formats.georeference import Georeference, read_georeference
from zoo.results.formats.polygons import Ring, trace
from zoo.results.small import without_small

if TYPE_CHECKING:
    from zoo.results.result import Result

_LOG = logging.getLogger("zoo")

_SYSTEM = (
    "pixels of the picture, not degrees: x to the right, y down, (0, 0) is the upper left corner of the upper left "
    "pixel"
)


def to_geojson(
    result: Result,
    *,
    tolerance: float = 0.0,
    min_area: int = 0,
    coordinates: Literal["picture", "map"] = "picture",
) -> dict[str, Any]:
    """Makes a feature collection (RFC 7946) with a polygon for every region, also of those without a class.

    As the coordinates are numbers, outer rings are counterclockwise and holes clockwise, which is the standard's
    right-hand rule; on a picture, where y points down, it looks the other way round.

    Args:
        result: Any result.
        tolerance: Pixels by which an outline may leave the exact one to save corners. Above 0 outlines of neighbours
            may overlap or leave gaps, and a ring may cross itself.
        min_area: Pixels that a region must have to stay; a smaller one becomes part of the neighbour with which it
            shares most of its edge.

        coordinates: "picture" for pixels; "map" for those of the reference system that the picture's file, a GeoTIFF,
            is in, which the document then names as GDAL does.

    Returns:
        Plain data. Each feature has the properties "value", "name", "color" ("#rrggbb") and "pixels".

    Raises:
        OutputError: The tolerance or the area is not a number from 0 up, there are no such coordinates, or the file
            does not say where it lies.
    """
    if coordinates not in ("picture", "map"):
        raise OutputError(
            "The coordinates are {coordinates!r}. Expected were picture or map.",
            'Use coordinates="picture"',
            coordinates=coordinates,
        )
    height, width = result.mask.shape
    place = read_georeference(result.uri, (height, width)) if coordinates == "map" else None
    if place is not None and place.epsg is None:
        _LOG.warning(
            "%s: its reference system has no EPSG code, so its GeoJSON names none; set it where you open the file.",
            printable(result.uri),
        )
    mask = without_small(result.mask, min_area)
    classes = {area.value: area for area in classes_in(mask, result.labels)}
    return {
        **Mark("zoo.geojson/1", result.uri).fields(),
        "type": "FeatureCollection",
        **_system(place),
        "size": [height, width],
        "tolerance": tolerance,
        "min_area": min_area,
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
                    "coordinates": [_closed(ring, place) for ring in (polygon.outer, *polygon.holes)],
                },
            }
            for polygon in trace(mask, tolerance)
        ],
    }


def encode(
    results: Iterable[Result],
    path: Path,
    tolerance: float = 0.0,
    min_area: int = 0,
    coordinates: Literal["picture", "map"] = "picture",
) -> bytes:
    """Encodes them as a file; the options are those of `to_geojson`."""
    (result,) = results
    return encode_document(to_geojson(result, tolerance=tolerance, min_area=min_area, coordinates=coordinates))


def _system(place: Georeference | None) -> dict[str, Any]:
    if place is None:
        return {"coordinate_system": _SYSTEM}
    if place.epsg is None:
        return {"coordinate_system": place.name or "that of the picture's file, which does not name it"}
    return {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{place.epsg}"}}}


def _closed(ring: Ring, place: Georeference | None) -> list[list[float]]:
    corners = ring if place is None else place.on_map(ring[::-1] if place.turns else ring)
    points = corners.tolist()
    return [*points, points[0]]

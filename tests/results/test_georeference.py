"""GeoJSON in the coordinates of the map that a GeoTIFF lies on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.contract.labels import CAMVID
from zoo.errors import OutputError
from zoo.results import Result

tifffile = pytest.importorskip("tifffile", reason="the extra `large`, which writes the files here, is not installed")

SCALE = (33550, 12, 3, (0.5, 0.25, 0.0), True)
TIEPOINT = (33922, 12, 6, (2.0, 1.0, 0.0, 500.0, 8000.0, 0.0), True)
MASK = np.zeros((20, 30), np.uint8)
MASK[4:10, 6:16] = 3
MASK[6:8, 8:10] = 0


def keys(*entries: tuple[int, int, int, int]) -> tuple[int, int, int, tuple[int, ...], bool]:
    flat = (1, 1, 0, len(entries), *(number for entry in entries for number in entry))
    return 34735, 3, len(flat), flat, True


UTM = keys((1024, 0, 1, 1), (3072, 0, 1, 32633))


def placed(path: Path, *tags: Any, mask: NDArray[np.uint8] = MASK) -> Result:
    picture = np.full((*mask.shape, 3), 9, np.uint8)
    tifffile.imwrite(path, picture, photometric="rgb", extratags=tags, metadata=None)
    return Result(mask, CAMVID, picture, path.stem, str(path), "m", "cpu", "e", {})


def road(result: Result) -> tuple[list[list[float]], ...]:
    """The rings of the region of road."""
    features = result.to_geojson(coordinates="map")["features"]
    (feature,) = [feature for feature in features if feature["properties"]["name"] == "road"]
    return tuple(feature["geometry"]["coordinates"])


def signed_area(ring: list[list[float]]) -> float:
    x, y = np.array(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def test_corners_are_those_of_the_map(tmp_path: Path) -> None:
    document = placed(tmp_path / "a.tif", SCALE, TIEPOINT, UTM).to_geojson(coordinates="map")
    assert document["crs"] == {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    assert "coordinate_system" not in document
    outer, hole = road(placed(tmp_path / "a.tif", SCALE, TIEPOINT, UTM))
    # Column 2, row 1 lies at (500, 8000); a pixel is half a unit wide and a quarter high.
    left, right, top, bottom = 500 + 4 * 0.5, 500 + 14 * 0.5, 8000 - 3 * 0.25, 8000 - 9 * 0.25
    assert {tuple(corner) for corner in outer} == {(left, top), (right, top), (right, bottom), (left, bottom)}
    assert outer[0] == outer[-1]
    # The right-hand rule holds in the numbers of the map.
    assert signed_area(outer) == pytest.approx(60 * 0.5 * 0.25)
    assert signed_area(hole) == pytest.approx(-4 * 0.5 * 0.25)


def test_a_file_whose_whole_numbers_are_the_middles_of_pixels_is_half_a_pixel_off(tmp_path: Path) -> None:
    points = keys((1024, 0, 1, 1), (1025, 0, 1, 2), (3072, 0, 1, 32633))
    area, point = (road(placed(tmp_path / "a.tif", SCALE, TIEPOINT, each))[0] for each in (UTM, points))
    np.testing.assert_allclose(np.array(point) - np.array(area), [[-0.25, 0.125]] * len(area))


def test_a_turned_picture_is_turned_on_the_map(tmp_path: Path) -> None:
    matrix = (0.0, 2.0, 0.0, 10.0, 3.0, 0.0, 0.0, 20.0, *(0.0,) * 4, 0.0, 0.0, 0.0, 1.0)
    outer, _ = road(placed(tmp_path / "a.tif", (34264, 12, 16, matrix, True), UTM))
    corners = {(10 + 2.0 * y, 20 + 3.0 * x) for x in (6, 16) for y in (4, 10)}
    assert {tuple(corner) for corner in outer} == corners
    assert signed_area(outer) > 0


def test_a_reference_system_without_a_code_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = keys((1024, 0, 1, 1), (1026, 34737, 8, 0), (3072, 0, 1, 32767))
    document = placed(tmp_path / "a.tif", SCALE, TIEPOINT, own, (34737, 2, 0, "My grid|", True))
    assert document.to_geojson(coordinates="map")["coordinate_system"] == "My grid"
    assert "a.tif: its reference system has no EPSG code" in caplog.text
    caplog.clear()
    placed(tmp_path / "a.tif", SCALE, TIEPOINT, UTM).to_geojson(coordinates="map")
    assert caplog.text == ""


def test_what_has_no_place_on_a_map_is_refused(tmp_path: Path) -> None:
    control = (33922, 12, 12, (0.0,) * 12, True)
    for name, tags in {"plain": (), "points": (control, SCALE)}.items():
        with pytest.raises(OutputError, match="does not say where it lies") as refused:
            placed(tmp_path / f"{name}.tif", *tags).to_geojson(coordinates="map")
        assert "coordinates='picture'" in refused.value.hint
    turned = placed(tmp_path / "turned.tif", SCALE, TIEPOINT, (274, 3, 1, 3, True))
    with pytest.raises(OutputError, match="is stored turned"):
        turned.to_geojson(coordinates="map")
    array = Result(MASK, CAMVID, turned.image, "array", "array_0001#ab", "m", "cpu", "e", {})
    with pytest.raises(OutputError, match="cannot be read as a GeoTIFF"):
        array.to_geojson(coordinates="map")
    with pytest.raises(OutputError, match="Expected were picture or map"):
        turned.to_geojson(coordinates="globe")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("kind", ["Area", "Point"])
def test_gdal_has_the_same_coordinates(tmp_path: Path, kind: str) -> None:
    rasterio = pytest.importorskip("rasterio", reason="rasterio, which has GDAL, is not installed")
    transform = rasterio.Affine(0.4, 0.3, 500000, 0.3, -0.4, 5600000)
    form = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": "EPSG:3857", "transform": transform}
    with rasterio.open(tmp_path / "a.tif", "w", height=20, width=30, **form) as file:
        file.write(np.full((3, 20, 30), 9, np.uint8))
        file.update_tags(AREA_OR_POINT=kind)
    result = Result(MASK, CAMVID, np.zeros((20, 30, 3), np.uint8), "a", str(tmp_path / "a.tif"), "m", "cpu", "e", {})
    assert result.to_geojson(coordinates="map")["crs"]["properties"]["name"].endswith("EPSG::3857")
    expected = sorted(transform @ (x, y) for x in (6, 16) for y in (4, 10))
    outer, _ = road(result)
    np.testing.assert_allclose(sorted(map(tuple, outer[:-1])), expected)

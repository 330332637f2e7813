"""Pixels that a GeoTIFF says have no data are unknown in the result itself, so in every file that is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.bundle.bundle import Bundle
from zoo.picture.image import read_picture

tifffile = pytest.importorskip("tifffile", reason="the extra `large`, which writes the files here, is not installed")

EMPTY = np.zeros((20, 30), bool)
EMPTY[:4] = True


def written(path: Path, dtype: Any = np.uint8, nodata: str = "0", grey: bool = False, **options: Any) -> Path:
    """A picture with the value of no data in all channels of some pixels, and in two of three of one more."""
    image = np.full((20, 30, 3), 9, dtype)
    image[EMPTY] = int(nodata)
    image[5, 5] = int(nodata), 9, int(nodata)
    image = image[:, :, 1] if grey else image
    stored = image.transpose(2, 0, 1) if options.get("planarconfig") == "separate" else image
    options = {"photometric": "minisblack" if grey else "rgb", **options}
    tags = (33550, 12, 3, (0.5, 0.25, 0.0), True), (33922, 12, 6, (2.0, 1.0, 0.0, 500.0, 8000.0, 0.0), True)
    tifffile.imwrite(path, stored, extratags=(*tags, (42113, 2, 0, nodata, True)), metadata=None, **options)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"planarconfig": "separate"},
        {"dtype": np.uint16},
        {"dtype": np.uint16, "planarconfig": "separate"},
        {"dtype": np.uint16, "nodata": "1"},  # its high byte is that of the others
        {"grey": True, "nodata": "255"},
        {"grey": True, "photometric": "miniswhite"},
    ],
)
def test_the_value_is_looked_for_as_it_is_stored(tmp_path: Path, options: dict[str, Any]) -> None:
    picture = read_picture(written(tmp_path / "a.tif", **options))
    assert picture.empty is not None
    assert np.array_equal(picture.empty, EMPTY)
    assert "20.0% of the pixels have no data, which makes them unknown" in picture.note


def test_without_such_pixels_nothing_is_said(tmp_path: Path) -> None:
    for nodata in ("nan", "-9999", "not a number"):
        path = tmp_path / "a.tif"
        image = np.full((20, 30, 3), 9, np.uint8)
        tifffile.imwrite(path, image, photometric="rgb", extratags=[(42113, 2, 0, nodata, True)], metadata=None)
        picture = read_picture(path)
        assert (picture.empty, picture.note) == (None, "")


def test_a_turned_picture_is_turned_with_its_empty_pixels(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif")
    with tifffile.TiffFile(path) as file:
        image, tags = file.asarray(), [(42113, 2, 0, "0", True), (274, 3, 1, 6, True)]
    tifffile.imwrite(path, image, photometric="rgb", extratags=tags, metadata=None)
    assert np.array_equal(read_picture(path).empty, np.rot90(EMPTY, -1))


def test_all_files_of_a_run_agree(bundle: Bundle, tmp_path: Path) -> None:
    source = written(tmp_path / "a.tif")
    with zoo.load(bundle.folder, threads=1) as model:
        result = model.predict(source).one()
        unmarked = model.predict(read_picture(source).pixels).one()
    assert (result.mask[EMPTY] == result.labels.ignore_index).all()
    assert np.array_equal(result.mask[~EMPTY], unmarked.mask[~EMPTY])
    assert result.shares()["unknown"] == 0.2
    assert "no data" in result.note
    with Image.open(result.save(tmp_path / "out", "mask")) as mask:
        assert np.array_equal(np.asarray(mask), result.mask)
    for coordinates in ("picture", "map"):
        path = result.save(tmp_path / coordinates, "geojson", coordinates=coordinates)
        features = json.loads(path.read_text())["features"]
        named = [feature["properties"] for feature in features if feature["properties"]["name"] == "unknown"]
        assert sum(properties["pixels"] for properties in named) == EMPTY.sum()

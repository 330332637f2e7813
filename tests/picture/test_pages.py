"""TIFF files with more in them than the picture: what is beside it, and camera raw."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from zoo.errors import DecodeError
from zoo.picture.image import read_image
from zoo.picture.sources import SourceOptions, inputs
from zoo.predict.tiff import open_tiff

PICTURE = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
REDUCED, PAGE, MASK = 1, 2, 4

#: A page: its pixels, and the tag that says what it is.
Written = list[tuple[NDArray[Any], dict[str, Any]]]


def tiff(pages: Written, **how: Any) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **how) as writer:
        for pixels, options in pages:
            colours = "rgb" if pixels.ndim == 3 else "minisblack"
            writer.write(pixels, metadata=None, **{"photometric": colours, **options})
    return file.getvalue()


def beside(subfile: int) -> tuple[NDArray[Any], dict[str, Any]]:
    if subfile & MASK:
        # Of one bit, which Pillow does not know for a picture.
        return np.ones((20, 25), bool), {"subfiletype": subfile, "photometric": 4}
    return np.full((20, 25, 3), 7, np.uint8), {"subfiletype": subfile}


MAIN = (PICTURE, {})
OTHER = (PICTURE[::-1].copy(), {"subfiletype": PAGE})
FILES: dict[str, Written] = {
    "the picture alone": [MAIN],
    "a thumbnail before it": [beside(REDUCED), MAIN],
    "a mask before it": [beside(MASK), MAIN],
    "reduced copies and masks behind it": [
        MAIN,
        beside(REDUCED),
        beside(REDUCED),
        beside(MASK),
        beside(REDUCED | MASK),
    ],
    "a thumbnail by the old tag": [(beside(0)[0], {"extratags": [(255, 3, 1, 2, True)]}), MAIN],
    "two pages, each with a thumbnail": [beside(REDUCED), MAIN, beside(REDUCED), OTHER],
    "a thumbnail alone": [(PICTURE, {"subfiletype": REDUCED})],
}


@pytest.mark.parametrize("how", [{}, {"byteorder": ">"}, {"bigtiff": True}])
@pytest.mark.parametrize("name", FILES)
def test_what_stands_beside_the_picture_is_no_frame(name: str, how: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(FILES[name], **how))
    two = name.startswith("two pages")
    assert np.array_equal(read_image(path), PICTURE)
    (item,) = inputs(path)
    assert np.array_equal(item.read(), PICTURE)
    assert item.note == ("first of 2 frames" if two else "")
    first, *others = inputs(path, SourceOptions(frames="all"))
    assert np.array_equal(first.read(), PICTURE)
    assert [np.array_equal(other.read(), OTHER[0]) for other in others] == [True] * two
    with open_tiff(path) as rows:
        assert np.array_equal(rows.read(0, 40), PICTURE)


def test_a_picture_in_strange_pages_has_the_values_of_its_own_page() -> None:
    wide = PICTURE.astype(np.uint16) * 40
    (item,) = inputs(tiff([beside(REDUCED), (wide, {})]), SourceOptions(value_range=(0, 10_200)))
    assert np.array_equal(item.read(), PICTURE)


def raw_files() -> dict[str, bytes]:
    """As cameras write them: a preview where other files have the picture, and the sensor in a directory inside."""
    preview = beside(REDUCED)
    sensor = {"photometric": 32803, "extratags": [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]}
    grey = PICTURE[:, :, 0].copy()
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(preview[0], photometric="rgb", metadata=None, subifds=2, subfiletype=REDUCED)
        writer.write(PICTURE, photometric="rgb", metadata=None, subfiletype=REDUCED)
        writer.write(grey, metadata=None, **sensor)
    plain = tiff([MAIN])
    (first,) = struct.unpack("<I", plain[4:8])
    return {
        "nef": file.getvalue(),
        "pef": tiff([(grey, sensor)]),
        "dng": tiff([(PICTURE, {"extratags": [(50706, 1, 4, b"\1\4\0\0", True)]})]),
        "dng, linear": tiff([preview, (PICTURE, {"photometric": 34892})]),
        "big-endian": tiff([preview, (grey, sensor)], byteorder=">"),
        "cr2": plain[:4] + struct.pack("<I", first) + b"CR\2\0" + plain[12:],
    }


@pytest.mark.parametrize("kind", raw_files())
@pytest.mark.parametrize("frames", ["first", "all"])
def test_camera_raw_is_called_so_and_its_preview_is_not_taken(kind: str, frames: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(raw_files()[kind])
    (item,) = inputs(path, SourceOptions(frames=frames))
    with pytest.raises(DecodeError, match="is a camera raw file") as caught:
        item.read()
    assert caught.value.hint.startswith("Develop it first")
    with pytest.raises(DecodeError, match="is a camera raw file"), open_tiff(path):
        pass


def with_inner(first: int, inner: int, subfile: int = REDUCED) -> bytes:
    """A page with a directory inside, each a part of the picture of so many rows."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(PICTURE[:first], photometric="rgb", metadata=None, subifds=1, subfiletype=subfile)
        writer.write(PICTURE[:inner], photometric="rgb", metadata=None, subfiletype=REDUCED - subfile)
    return file.getvalue()


@pytest.mark.parametrize("subfile", [0, REDUCED])
@pytest.mark.parametrize("frames", ["first", "all"])
def test_the_small_copy_of_a_picture_inside_it_is_not_taken(subfile: int, frames: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_inner(10, 40, subfile))
    (item,) = inputs(path, SourceOptions(frames=frames))
    with pytest.raises(DecodeError, match=r"its picture is in a directory inside \(SubIFD\)"):
        item.read()
    with pytest.raises(DecodeError, match="SubIFD"), open_tiff(path):
        pass


def test_a_pyramid_keeps_smaller_copies_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_inner(40, 10, 0))
    assert np.array_equal(read_image(path), PICTURE)
    with open_tiff(path) as rows:
        assert np.array_equal(rows.read(0, 40), PICTURE)


def test_pages_that_are_cut_off_cost_no_picture_that_is_whole() -> None:
    data = tiff([MAIN, OTHER, beside(REDUCED)])
    notes = set[str]()
    # The last directory stands before the pixels of its page.
    for place in range(7000, len(data) - 1800, 411):
        (item,) = inputs(data[:place])
        assert np.array_equal(item.read(), PICTURE)
        notes.add(item.note)
    assert notes == {"first frame of a damaged file"}
    endless = b"II*\0\x08\0\0\0\xff\xff" + data[10:]
    (item,) = inputs(endless)
    with pytest.raises(DecodeError, match="cannot be decoded"):
        item.read()

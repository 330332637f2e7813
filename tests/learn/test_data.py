"""Masks and lists as people have them: every form that holds class values exactly is read, every other is named."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from zoo.contract.labels import CAMVID
from zoo.errors import DatasetError
from zoo.learn.data import Sample, read_list, read_mask
from zoo.predict.tiff.write import write_labels
from zoo.results import Result

MASK = (np.arange(35).reshape(5, 7) % 11).astype(np.uint8)
PALETTE = [*(9, 9, 9), *(200, 0, 0), *range(96)]


def picture(mask: Any = MASK, mode: str = "L") -> Image.Image:
    if mode == "P":
        made = Image.fromarray(mask)
        made.putpalette(PALETTE)
        return made
    return Image.fromarray(mask).convert(mode)


def with_alpha(mode: str, alpha: int = 255) -> Image.Image:
    made = picture(mode=mode)
    made.putalpha(alpha)
    return made


def grey_png(path: Path, depth: int, values: Any) -> None:
    """A PNG of grey values of 1, 2 or 4 bits, which Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bits = np.unpackbits(values[:, :, None].astype(np.uint8), axis=2)[:, :, 8 - depth :].reshape(len(values), -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1))
    height, width = values.shape
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize("name", ["mask.png", "mask.tif", "mask.bmp", "mask.gif"])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_grey_values_and_palette_indices_are_class_values_in_every_format(name: str, mode: str, tmp_path: Path) -> None:
    picture(mode=mode).save(tmp_path / name)
    found = read_mask(tmp_path / name)
    assert found.dtype == np.uint8
    assert np.array_equal(found, MASK)


@pytest.mark.parametrize("name", ["mask.png", "mask.tif", "mask.bmp"])
def test_a_mask_of_one_bit_holds_0_and_1(name: str, tmp_path: Path) -> None:
    Image.fromarray(MASK % 2 > 0).save(tmp_path / name)
    assert np.array_equal(read_mask(tmp_path / name), MASK % 2)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_values_of_few_bits_are_not_widened(depth: int, tmp_path: Path) -> None:
    values = MASK % (1 << depth)
    grey_png(tmp_path / "mask.png", depth, values)
    assert np.array_equal(read_mask(tmp_path / "mask.png"), values)


@pytest.mark.parametrize("name", ["mask.png", "mask.tif"])
def test_masks_of_16_bits_keep_their_values(name: str, tmp_path: Path) -> None:
    Image.fromarray(MASK.astype(np.uint16)).save(tmp_path / name)
    assert read_mask(tmp_path / name).dtype == np.uint8
    assert np.array_equal(read_mask(tmp_path / name), MASK)
    high = MASK.astype(np.uint16) * 6000
    Image.fromarray(high).save(tmp_path / name)
    assert np.array_equal(read_mask(tmp_path / name), high)
    Image.fromarray(MASK.astype(np.int32)).save(tmp_path / "wide.tif")
    assert np.array_equal(read_mask(tmp_path / "wide.tif"), MASK)


@pytest.mark.parametrize("made", [with_alpha("L"), with_alpha("RGB"), picture(mode="RGB")], ids=["LA", "RGBA", "RGB"])
@pytest.mark.parametrize("name", ["mask.png", "mask.tif"])
def test_equal_channels_and_full_alpha_say_nothing_more(made: Image.Image, name: str, tmp_path: Path) -> None:
    made.save(tmp_path / name)
    assert np.array_equal(read_mask(tmp_path / name), MASK)


def test_all_masks_that_zoo_writes_are_read(tmp_path: Path) -> None:
    small = np.where(MASK == 3, 255, MASK).astype(np.uint8)
    for mask in (small, MASK.astype(np.uint16) * 999):
        image = np.zeros((*mask.shape, 3), np.uint8)
        result = Result(mask, CAMVID, image, "street", "street", "m", "cpu", "e", {})
        assert np.array_equal(read_mask(result.save(tmp_path, "mask")), mask)
        for palette in ((), CAMVID.palette):
            path = write_labels(tmp_path / "labels.tif", mask.shape, [mask], palette=palette)
            assert np.array_equal(read_mask(path), mask)


def test_a_mask_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    for name in ("mask.png", "mask.tif"):
        picture().save(tmp_path / name, exif=exif)
        assert np.array_equal(read_mask(tmp_path / name), np.rot90(MASK, -1))


def test_small_copies_of_a_mask_in_its_file_are_passed_over(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(MASK, photometric="minisblack", metadata=None)
        writer.write(MASK[::2, ::2], photometric="minisblack", metadata=None, subfiletype=1)
    assert np.array_equal(read_mask(tmp_path / "pyramid.tif"), MASK)


@pytest.mark.parametrize(
    ("name", "made", "options", "words"),
    [
        ("x.jpg", picture(), {}, "it is a JPEG file, which may change the values"),
        ("x.webp", picture(mode="RGB"), {"lossless": True}, "it is a WEBP file"),
        ("x.tif", picture(), {"compression": "jpeg"}, "which may change the values"),
        ("x.png", with_alpha("RGB", 128), {}, "it is transparent in places"),
        ("x.png", Image.fromarray(np.dstack([MASK, MASK, MASK + 1])), {}, "it is in colours"),
        ("x.tif", Image.fromarray(MASK.astype(np.float32)), {}, "it has pixel mode F"),
        ("x.tif", Image.fromarray(MASK.astype(np.int32) - 1), {}, "it has values from -1 to 9"),
        ("x.gif", picture(), {"save_all": True, "append_images": [picture(MASK[::-1])]}, "it holds 2 pictures"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_reason(
    name: str, made: Image.Image, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    made.save(tmp_path / name, **options)
    with pytest.raises(DatasetError, match=words) as caught:
        read_mask(tmp_path / name)
    assert name in caught.value.message


def test_colours_of_16_bits_are_refused_because_their_lower_half_would_be_lost(tmp_path: Path) -> None:
    values = np.repeat(MASK.astype(">u2")[:, :, None], 3, axis=2)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    with (tmp_path / "x.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            PngImagePlugin.putchunk(file, kind, data)
    with pytest.raises(DatasetError, match="3 channels of 16 bits"):
        read_mask(tmp_path / "x.png")


def test_a_turned_picture_with_a_mask_that_is_not_turned_is_called_that(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 8
    picture(mode="RGB").save(tmp_path / "a.jpg", exif=exif)
    picture().save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="is 7x5 but its mask") as caught:
        Sample(tmp_path / "a.jpg", tmp_path / "a.png").load()
    assert "EXIF orientation" in caught.value.hint


@pytest.fixture
def named(tmp_path: Path) -> Path:
    for name in ("a b.png", "a b_mask.png", "c.png", "it's.png", "in/d.png", "in/d_mask.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture().save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "image", "mask"),
    [
        ("\ufeffc.png in/d.png", "c.png", "in/d.png"),
        ("a b.png\ta b_mask.png", "a b.png", "a b_mask.png"),
        ("c.png \t in/d.png\t", "c.png", "in/d.png"),
        ("\"a b.png\" 'a b_mask.png'", "a b.png", "a b_mask.png"),
        ('"a b.png"\tc.png', "a b.png", "c.png"),
        ("it's.png c.png", "it's.png", "c.png"),
        ("c.png   in/d.png\r", "c.png", "in/d.png"),
    ],
)
def test_lists_are_read_as_programs_write_them(line: str, image: str, mask: str, named: Path) -> None:
    (named / "list.txt").write_text(line + "\n", encoding="utf-8")
    assert read_list(named / "list.txt") == (Sample(named / image, named / mask),)


def test_back_slashes_that_stand_for_slashes_are_read_and_said(named: Path, caplog: pytest.LogCaptureFixture) -> None:
    (named / "list.txt").write_text("in\\d.png in\\d_mask.png\nc.png c.png\n")
    assert read_list(named / "list.txt")[0] == Sample(named / "in/d.png", named / "in/d_mask.png")
    assert "back-slashes in 2 paths are taken for slashes" in caplog.text
    picture().save(named / "in\\d.png")
    assert read_list(named / "list.txt")[0].image == named / "in\\d.png"


def test_a_list_with_names_that_need_quotes_says_so(named: Path) -> None:
    (named / "list.txt").write_text("a b.png a b_mask.png\nno.png c.png\n")
    with pytest.raises(DatasetError, match=r"line 1: it has 4 columns; line 2: .*no\.png does not exist") as caught:
        read_list(named / "list.txt")
    assert "quotes" in caught.value.hint


@pytest.mark.parametrize("masks", ["masks", "annotations"])
def test_a_folder_of_images_and_masks_stands_for_a_list(masks: str, tmp_path: Path) -> None:
    for name in ("images/b.jpg", "images/town/a.jpg", f"{masks}/town/a.png", f"{masks}/b.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture().save(tmp_path / name)
    (tmp_path / "images" / "readme.txt").write_text("where they come from")
    assert read_list(tmp_path) == (
        Sample(tmp_path / "images/b.jpg", tmp_path / masks / "b.tif"),
        Sample(tmp_path / "images/town/a.jpg", tmp_path / masks / "town/a.png"),
    )


def test_a_root_belongs_to_a_list(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="A root belongs to a list file"):
        read_list(tmp_path, tmp_path)


def test_a_folder_with_files_that_have_no_partner_names_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no dataset: it has none of its folders"):
        read_list(tmp_path)
    for name in ("images/a.jpg", "images/b.jpg", "images/b.png", "masks/b.png", "masks/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture().save(tmp_path / name)
    with pytest.raises(DatasetError, match="has 3 faulty entries") as caught:
        read_list(tmp_path)
    for words in ("a.jpg has no mask", "c.png has no picture", "b.png has the name of b.jpg"):
        assert words in caught.value.message
    (tmp_path / "annotations").mkdir()
    with pytest.raises(DatasetError, match="it has images/, masks/, annotations/"):
        read_list(tmp_path)

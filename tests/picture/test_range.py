"""Pictures with more than 8 bits a channel: which of their values become black and white, and that it is said."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.spec import ValueRange
from zoo.errors import DecodeError, SourceError
from zoo.picture.image import read_image
from zoo.picture.sources import Input, SourceOptions, inputs

#: As a satellite has them: 16 bits, and nothing above 10,000.
COLOURS = np.random.default_rng(0).integers(0, 10_001, (24, 30, 3)).astype(np.uint16)
COLOURS[0, 0], COLOURS[0, 1] = 0, 10_000
GREY = COLOURS[:, :, 0]


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb" if values.ndim == 3 else "minisblack", **options)
    return file.getvalue()


def planar_tiff(values: NDArray[Any], **options: Any) -> bytes:
    return tiff(values.transpose(2, 0, 1), planarconfig="separate", **options)


def png(values: NDArray[Any], color: int, extra: bytes = b"") -> bytes:
    rows = values.astype(values.dtype.newbyteorder(">")).reshape(len(values), -1)
    header = struct.pack(">IIBBBBB", values.shape[1], len(values), values.dtype.itemsize * 8, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_alpha(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.concatenate([values.reshape(24, 30, -1), np.full((24, 30, 1), 65535, np.uint16)], axis=2)


def in_memory(values: NDArray[np.uint16]) -> Image.Image:
    return Image.fromarray(values)


SOURCES: dict[str, tuple[Any, NDArray[np.uint16]]] = {
    "png, grey": (png(GREY, 0), GREY),
    "png, colours": (png(COLOURS, 2), COLOURS),
    "png, grey and alpha": (png(with_alpha(GREY), 4), GREY),
    "png, colours and alpha": (png(with_alpha(COLOURS), 6), COLOURS),
    "pgm": (b"P5 30 24 65535\n" + GREY.astype(">u2").tobytes(), GREY),
    "ppm": (b"P6 30 24 65535\n" + COLOURS.astype(">u2").tobytes(), COLOURS),
    "ppm that ends at 10,000": (b"P6 30 24 10000\n" + COLOURS.astype(">u2").tobytes(), COLOURS),
    "array, grey": (GREY, GREY),
    "array, colours": (COLOURS, COLOURS),
    "array of int32": (COLOURS.astype(np.int32), COLOURS),
    "array of floats": (COLOURS.astype(np.float32), COLOURS),
    "image in memory": (in_memory(GREY), GREY),
}
for order in "<>":
    for packed in (None, "zlib", "lzw"):
        how: dict[str, Any] = {"byteorder": order, "compression": packed}
        SOURCES[f"tiff, grey, {how}"] = tiff(GREY, **how), GREY
        SOURCES[f"tiff, colours, {how}"] = tiff(COLOURS, **how), COLOURS
        SOURCES[f"tiff in tiles, {how}"] = tiff(COLOURS, tile=(16, 16), **how), COLOURS
    SOURCES[f"planar tiff, {order}"] = planar_tiff(COLOURS, byteorder=order), COLOURS


def read(source: Any, value_range: ValueRange = None) -> tuple[NDArray[np.uint8], str]:
    item = only(source, value_range)
    return item.read(), item.note


def only(source: Any, value_range: ValueRange = None) -> Input:
    (item,) = inputs(source, SourceOptions(value_range=value_range))
    return item


def in_steps(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    steps = np.rint((np.clip(values.astype(float), black, white) - black) * 255 / (white - black)).astype(np.uint8)
    return steps if steps.ndim == 3 else np.dstack([steps] * 3)


@pytest.mark.parametrize("name", SOURCES)
def test_a_range_says_which_values_are_black_and_white_and_the_note_repeats_it(name: str) -> None:
    source, values = SOURCES[name]
    for black, white in ((0, 10_000), (1000.5, 7000), (-500, 200)):
        pixels, note = read(source, (black, white))
        assert np.abs(pixels.astype(int) - in_steps(values, black, white)).max() <= 0
        own = f"{values.min()} to {values.max()}"
        assert note == f"values {black:.7g} to {white:.7g} as black to white; its own are {own}"


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in ("array of int32", "array of floats")])
def test_without_a_range_the_high_byte_counts_and_a_picture_that_turns_black_is_said_to(name: str) -> None:
    source, values = SOURCES[name]
    pixels, note = read(source)
    if "ends at" in name:
        # The file itself says what is white.
        assert np.array_equal(pixels, in_steps(values, 0, 10_000))
        assert note.startswith("values 0 to 10000 as black to white; its own are 0 to 10000")
        return
    high = (values >> 8).astype(np.uint8)
    assert np.array_equal(pixels, high if high.ndim == 3 else np.dstack([high] * 3))
    assert note == f"values 0 to 65535 as black to white; its own are 0 to {values.max()}"
    dark = read((GREY // 4).astype(np.uint16))[1]
    assert dark.endswith("its own are 0 to 2500: nearly one colour, a range of its own would show more")


@pytest.mark.parametrize("name", SOURCES)
def test_auto_takes_the_values_of_the_picture_without_its_extremes(name: str) -> None:
    source, values = SOURCES[name]
    low, high = np.quantile(values, [0.005, 0.995], method="nearest")
    pixels, note = read(source, "auto")
    assert np.array_equal(pixels, in_steps(values, float(low), float(high)))
    assert note.startswith(f"values {low} to {high} as black to white; its own are ")


def test_auto_of_one_value_is_black_and_not_a_division_by_zero() -> None:
    assert not read(np.full((4, 5), 700, np.uint16), "auto")[0].any()


@pytest.mark.parametrize("value_range", [None, (0, 10_000), "auto"])
def test_values_of_8_bits_stay_as_they_are(value_range: ValueRange) -> None:
    eight = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    file = io.BytesIO()
    Image.fromarray(eight).save(file, "PNG")
    for source in (eight, Image.fromarray(eight), file.getvalue()):
        assert np.array_equal(read(source, value_range)[0], eight)
        assert read(source, value_range)[1] == ""
    assert read(np.eye(4, dtype=bool), value_range)[0].max() == 255


def test_a_tiff_of_12_bits_ends_at_4095_and_where_white_is_0_it_is_turned_round() -> None:
    values = (GREY % 4096).astype(np.uint16)
    first, second = values[:, ::2].ravel(), values[:, 1::2].ravel()
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8)
    entries = [(256, 30), (257, 24), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 24)]
    entries.append((279, packed.size))
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in entries)
    twelve = b"II*\0" + struct.pack("<I", 8 + packed.size) + packed.tobytes() + directory + b"\0" * 4
    assert np.array_equal(read(twelve)[0][:, :, 0], values >> 4)
    assert read(twelve)[1].startswith("values 0 to 4095 as black to white")
    assert np.array_equal(read(twelve, (100, 3000))[0], in_steps(values, 100, 3000))
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="miniswhite")
    assert np.array_equal(read(file.getvalue(), (0, 4095))[0], 255 - in_steps(values, 0, 4095))


SIGNED = (GREY.astype(np.int16) - 3000).astype(np.int16)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float32"])
@pytest.mark.parametrize("packed", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_that_say_nothing_of_white_need_a_range(dtype: str, packed: str | None, order: str) -> None:
    values = (SIGNED.astype(np.int64) + (3_000_000_000 if dtype == "uint32" else 0)).astype(dtype)
    data = tiff(values, compression=packed, byteorder=order)
    if dtype == "uint32" and order == ">":
        with pytest.raises(DecodeError, match="cannot be decoded"):  # Pillow knows none
            read(data, "auto")
        return
    with pytest.raises(DecodeError, match=r"32 bits a channel|signed values of 16 bits|compressed values") as caught:
        read(data)
    assert "tiffcp" in caught.value.hint or "value_range=(LOW, HIGH)" in caught.value.hint
    low, high = float(values.min()) + 500, float(values.max()) - 500
    # Pillow 11.0 is right with int16, and so are we.
    if packed and order == ">" and not (dtype == "int16" and PIL.__version__.startswith("11.0.")):
        with pytest.raises(DecodeError, match=r"compressed values .* in big-endian order") as caught:
            read(data, (low, high))
        assert "tiffcp" in caught.value.hint
        return
    assert np.array_equal(read(data, (low, high))[0], in_steps(values, low, high))


def test_what_has_no_order_among_black_and_white_is_refused() -> None:
    values = GREY.astype(np.float32)
    values[3, 3] = np.nan
    with pytest.raises(DecodeError, match="NaN or infinite"):
        read(tiff(values), (0, 1))
    with pytest.raises(SourceError, match="1 NaN or infinite"):
        read(values, (0, 1))


def test_where_only_the_high_byte_can_be_had_a_range_is_refused_and_the_picture_alone_is_read() -> None:
    data = planar_tiff(COLOURS, compression="zlib")
    assert np.array_equal(read(data)[0], COLOURS >> 8)
    with pytest.raises(DecodeError, match="only the high byte is read") as caught:
        read(data, "auto")
    assert "tiffcp" in caught.value.hint


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_turned_once(orientation: int, tmp_path: Path) -> None:
    exif = b"II*\0\x08\0\0\0\x01\0" + bytes([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]) + b"\0" * 4
    eight, wide = tmp_path / "8.png", tmp_path / "16.png"
    high = (COLOURS >> 8).astype(np.uint8)
    eight.write_bytes(png(high, 2, chunk(b"eXIf", exif)))
    wide.write_bytes(png(COLOURS, 2, chunk(b"eXIf", exif)))
    assert np.array_equal(read_image(eight), read_image(wide))
    for write in (lambda v, **o: tiff(v, **o), planar_tiff):
        turned: list[NDArray[np.uint8]] = []
        for values in (high, COLOURS):
            write_turned: Callable[..., bytes] = write
            turned.append(read(write_turned(values, extratags=[(274, 3, 1, orientation, True)]))[0])
        assert np.array_equal(*turned)


def test_every_page_has_a_range_of_its_own() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for factor in (1, 2):
            writer.write((COLOURS * factor).astype(np.uint16), photometric="rgb", metadata=None)
    first, second = inputs(file.getvalue(), SourceOptions(frames="all", value_range="auto"))
    assert np.array_equal(first.read(), second.read())
    assert (first.note.partition(";")[0], second.note.partition(";")[0]) == ("frame 1 of 2", "frame 2 of 2")
    assert first.note != second.note.replace("2 of 2", "1 of 2")


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("codec", ["jp2", "j2k"])
def test_grey_jpeg_2000_has_the_values_of_its_own_bits_and_colours_of_more_than_8_are_refused(
    bits: int, codec: str
) -> None:
    values = (GREY & ((1 << bits) - 1)).astype(np.uint16)
    data = imagecodecs.jpeg2k_encode(values, bitspersample=bits, level=0, codecformat=codec)
    assert np.array_equal(read(data)[0][:, :, 0], values >> (bits - 8))
    assert read(data)[1].startswith(f"values 0 to {(1 << bits) - 1} as black to white")
    assert np.array_equal(read(data, (100, 400))[0], in_steps(values, 100, 400))
    colours = (COLOURS & ((1 << bits) - 1)).astype(np.uint16)
    data = imagecodecs.jpeg2k_encode(colours, bitspersample=bits, level=0, codecformat=codec)
    with pytest.raises(DecodeError, match=f"channels of {bits}, {bits}, {bits} bits; 8, or grey of up to 16"):
        read(data)

"""Odd pictures, one by one: each is either right, equal to its plain twin, or an error that names it."""

from __future__ import annotations

import functools
import io
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import DecodeError, SourceError
from zoo.message import printable
from zoo.picture.sources import SourceOptions, inputs

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Odd:
    """A file, and what is to come of it: pixels, or an error with this text.

    `near` is how far a lossy format may be off; `make` puts the file where the path says.
    """

    data: bytes = b""
    twin: Pixels | None = None
    error: str = ""
    near: int = 0
    name: str = "odd.png"
    make: Callable[[Path, bytes], object] = Path.write_bytes
    note: str = ""


def street(height: int = 48, width: int = 64) -> Pixels:
    """Ramps with a noisy patch: no symmetry, every value."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 5, columns * 3, rows * columns], axis=-1).astype(np.uint8)
    image[10:20, 10:30] = np.random.default_rng(0).integers(0, 256, (10, 20, 3))[: max(0, height - 10), : width - 10]
    return image


def encoded(image: Pixels | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: bytes, depth: int = 8, color: int = 2, interlace: int = 0, extra: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def interlaced(image: Pixels) -> bytes:
    """Writes a PNG in the seven passes of Adam7."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(b"\0" + row.tobytes() for top, left, down, right in passes for row in image[top::down, left::right])
    return png(image.shape[1], image.shape[0], rows, interlace=1)


def grey_twin(grey: Pixels) -> Pixels:
    return np.repeat(grey[:, :, None], 3, axis=2)


def pixel_modes() -> dict[str, Odd]:
    image = street()
    picture = Image.fromarray(image)
    grey = image[:, :, 2]
    alpha = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1)))
    coded = picture.quantize(200)
    palette = np.array(coded.convert("RGB"))
    rgba = picture.copy()
    rgba.putalpha(alpha)
    grey_alpha = Image.fromarray(grey)
    grey_alpha.putalpha(alpha)
    wide = np.arange(0, 65536, 27, dtype=np.uint16)[:2400].reshape(40, 60)
    wide_rgb = np.stack([wide, wide[:, ::-1], wide[::-1]], axis=-1)
    high = (wide >> 8).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in wide_rgb.astype(">u2"))
    alpha_rows = np.dstack([wide_rgb, wide_rgb[:, :, 0]]).astype(">u2")
    black = (grey > 90).astype(np.uint8) * 255
    bits = b"".join(b"\0" + row.tobytes() for row in np.packbits(black > 0, axis=1))
    smooth = np.array(picture.resize((64, 48)).reduce(4).resize((64, 48)))
    cmyk = Image.fromarray(smooth).convert("CMYK")
    return {
        "grey png": Odd(encoded(Image.fromarray(grey)), grey_twin(grey)),
        "grey jpeg": Odd(
            encoded(Image.fromarray(smooth[:, :, 0]), "JPEG", quality=100), grey_twin(smooth[:, :, 0]), near=2
        ),
        "grey with alpha": Odd(encoded(grey_alpha), grey_twin(grey)),
        "rgba png": Odd(encoded(rgba), image),
        "rgba webp": Odd(encoded(rgba, "WEBP", lossless=True, exact=True), image),
        "rgba tiff": Odd(encoded(rgba, "TIFF"), image),
        "one bit png": Odd(png(64, 48, bits, 1, 0), grey_twin(black)),
        "one bit tiff, group 4": Odd(
            encoded(Image.fromarray(black).convert("1"), "TIFF", compression="group4"), grey_twin(black)
        ),
        "pbm": Odd(encoded(Image.fromarray(black).convert("1"), "PPM"), grey_twin(black)),
        "palette png": Odd(encoded(coded), palette),
        "palette with a clear colour": Odd(encoded(coded, transparency=3), palette),
        "palette with alpha": Odd(encoded(coded, transparency=bytes(range(200))), palette),
        "palette bmp": Odd(encoded(coded, "BMP"), palette),
        "palette gif with a clear colour": Odd(encoded(coded, "GIF", transparency=3), palette),
        "palette tiff": Odd(encoded(coded, "TIFF"), palette),
        "rgb png with a clear colour": Odd(encoded(image, transparency=(0, 0, 0)), image),
        "16 bit grey png": Odd(encoded(Image.fromarray(wide)), grey_twin(high)),
        "16 bit grey tiff": Odd(encoded(Image.fromarray(wide), "TIFF"), grey_twin(high)),
        "16 bit grey tiff, big-endian": Odd(big_endian_tiff(wide), grey_twin(high)),
        "16 bit pgm": Odd(b"P5 60 40 65535\n" + wide.astype(">u2").tobytes(), grey_twin(high)),
        "16 bit rgb png": Odd(png(60, 40, rows, 16), (wide_rgb >> 8).astype(np.uint8)),
        "16 bit rgba png": Odd(
            png(60, 40, b"".join(b"\0" + row.tobytes() for row in alpha_rows), 16, 6), (wide_rgb >> 8).astype(np.uint8)
        ),
        "cmyk jpeg": Odd(encoded(cmyk, "JPEG", quality=100, subsampling=0), smooth, near=4),
        "cmyk tiff": Odd(encoded(cmyk, "TIFF"), smooth, near=1),
        "ycbcr tiff": Odd(
            encoded(Image.fromarray(smooth).convert("YCbCr"), "TIFF", compression="jpeg", quality=100), smooth, near=8
        ),
        "32 bit float tiff": Odd(
            encoded(Image.fromarray(image[:, :, 0] / np.float32(255)), "TIFF"), error="32 bits a channel"
        ),
        "32 bit whole tiff": Odd(encoded(Image.fromarray(wide.astype(np.int32)), "TIFF"), error="32 bits a channel"),
    }


def big_endian_tiff(wide: NDArray[np.uint16]) -> bytes:
    tags = [(256, wide.shape[1]), (257, wide.shape[0]), (258, 16), (259, 1), (262, 1), (277, 1), (278, wide.shape[0])]
    tags += [(279, wide.nbytes), (273, 8)]
    values = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in sorted(tags))
    pixels = wide.astype(">u2").tobytes()
    return b"MM\0*" + struct.pack(">I", 8 + len(pixels)) + pixels + struct.pack(">H", len(tags)) + values + b"\0\0\0\0"


def coding() -> dict[str, Odd]:
    image = street()
    plain = encoded(image, "JPEG", quality=90)
    with Image.open(io.BytesIO(plain)) as picture:
        decoded = np.array(picture)
    odd = {
        "progressive jpeg": Odd(encoded(image, "JPEG", quality=90, progressive=True), decoded),
        "jpeg with restarts": Odd(encoded(image, "JPEG", quality=90, restart_marker_rows=1), decoded),
        "optimised jpeg": Odd(encoded(image, "JPEG", quality=90, optimize=True), decoded),
        "jpeg with a thumbnail and comment": Odd(encoded(image, "JPEG", quality=90, comment=b"x" * 60_000), decoded),
        "jpeg with further pictures": Odd(
            encoded(image, "MPO", quality=90, save_all=True, append_images=[Image.fromarray(image[::-1])]), decoded
        ),
        "interlaced png": Odd(interlaced(image), image),
        "png in many small pieces": Odd(small_pieces(encoded(image)), image),
        "lossless webp": Odd(encoded(image, "WEBP", lossless=True), image),
        "bytes behind the end": Odd(encoded(image) + b"\0<html>" * 99, image),
        "a file behind the end": Odd(plain + encoded(image), decoded),
        "bmp": Odd(encoded(image, "BMP"), image),
        "bmp from bottom to top and back": Odd(top_down(encoded(image, "BMP")), image[::-1]),
        "ppm with comments": Odd(b"P6 # one\n64 # two\n48\n255\n" + image.tobytes(), image),
        "one pixel": Odd(encoded(image[:1, :1]), image[:1, :1]),
        "one pixel gif": Odd(encoded(Image.fromarray(image[:1, :1]).quantize(2), "GIF"), image[:1, :1], near=1),
        "1 x 10000": Odd(encoded(street(1, 10_000)), street(1, 10_000)),
        "10000 x 1": Odd(encoded(street(10_000, 31)[:, :1]), street(10_000, 31)[:, :1]),
        "flat black": Odd(encoded(np.zeros_like(image), "WEBP", lossless=True), np.zeros_like(image)),
    }
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits"):
        odd[f"tiff {compression}"] = Odd(encoded(image, "TIFF", compression=compression), image)
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        few = Image.fromarray(image).quantize(64).convert("RGB")
        frames = {"save_all": True, "append_images": [Image.fromarray(image[::-1]).convert("RGB")]}
        lossless = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(few, kind, **frames, **lossless)
        odd[f"two frames, {kind}"] = Odd(data, np.array(few), near=1, note="first of 2 frames")
    return odd


def small_pieces(data: bytes) -> bytes:
    place = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[place - 4 : place])
    body = data[place + 4 : place + 4 + length]
    pieces = b"".join(chunk(b"IDAT", body[start : start + 7]) for start in range(0, length, 7))
    return data[: place - 4] + pieces + data[place + 8 + length :]


def top_down(data: bytes) -> bytes:
    return data[:22] + struct.pack("<i", -struct.unpack("<i", data[22:26])[0]) + data[26:]


def rotations() -> dict[str, Odd]:
    turn = Image.Transpose
    stored_as = [None, turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM]
    stored_as += [turn.TRANSPOSE, turn.ROTATE_90, turn.TRANSVERSE, turn.ROTATE_270]
    # Blocks of 16 in plain greys: JPEG keeps them, whichever way they lie.
    upright = np.kron(np.array([[0, 60, 120], [180, 240, 30]], np.uint8)[:, :, None], np.ones((16, 16, 3), np.uint8))
    odd = {}
    for orientation, transposition in enumerate(stored_as, 1):
        picture = Image.fromarray(upright)
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = picture if transposition is None else picture.transpose(transposition)
        for kind, options in {"JPEG": {}, "PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}.items():
            odd[f"orientation {orientation}, {kind}"] = Odd(
                encoded(stored, kind, exif=exif, **options), upright, near=1
            )
    return odd


def cuts() -> dict[str, Odd]:
    noisy = street(96, 128)
    files = {
        "png": encoded(noisy),
        "jpeg": encoded(noisy, "JPEG"),
        "progressive jpeg": encoded(noisy, "JPEG", progressive=True),
        "webp": encoded(noisy, "WEBP"),
        "tiff": encoded(noisy, "TIFF", compression="tiff_lzw"),
        "bmp": encoded(noisy, "BMP"),
        "ppm": encoded(noisy, "PPM"),
    }
    odd = {
        f"{kind} cut at {part} of 8": Odd(data[: len(data) * part // 8], error="cannot be decoded|is not a picture")
        for kind, data in files.items()
        for part in range(1, 8)
    }
    for kind, length in {"png": 5, "jpeg": 2, "progressive jpeg": 2, "webp": 2, "tiff": 16, "bmp": 1, "ppm": 1}.items():
        odd[f"{kind} without its last bytes"] = Odd(files[kind][:-length], error="cannot be decoded")
    return odd


def damaged() -> dict[str, Odd]:
    data = encoded(street())
    middle = len(data) // 2
    object_array = io.BytesIO()
    np.save(object_array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    small = encoded(street(), "JPEG")
    size = small.index(b"\xff\xc0") + 5
    tiff = struct.pack("<HHII", 256, 4, 1, 30_000) + struct.pack("<HHII", 257, 4, 1, 30_000)
    tiff += struct.pack("<HHIHH", 262, 3, 1, 1, 0) + struct.pack("<HHII", 273, 4, 1, 8)
    bmp, gif = encoded(street(), "BMP"), encoded(street(), "GIF")
    frame = gif.index(b",\0\0\0\0@\0") + 5
    large = r"has 900000000 pixels \(30000x30000\)"
    no_picture = {
        "zeros": b"\0" * 500,
        "text": b"street.png is on the other disk\n",
        "html": b"<!DOCTYPE html><html><body>404</body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "json": b'{"imageData": "iVBORw0KGgo="}',
        "base64": b"iVBORw0KGgoAAAANSUhEUgAA",
        "pickle": pickle.dumps([1, 2]),
        "npy": object_array.getvalue(),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "icon": b"\0\0\x01\0\x01\0\x10\x10",
        "photoshop": b"8BPS\0\x01" + b"\0" * 20,
        "zip": b"PK\x03\x04" + b"\0" * 30,
        "gzip": b"\x1f\x8b\x08" + b"\0" * 30,
        "wave": b"RIFF\x24\0\0\0WAVEfmt ",
        "playlist": b"#EXTM3U\nfile:///etc/passwd\n",
        "plain ppm": b"P3\n1 1\n255\n1 2 3\n",
    }
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000, 1))
    return {
        "zero byte": Odd(error=r"is empty \(0 bytes\)"),
        **{name: Odd(content, error="is not a picture") for name, content in no_picture.items()},
        "png signature alone": Odd(data[:8], error="cannot be decoded"),
        "a bit of a png": Odd(
            data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :], error="cannot be decoded"
        ),
        "png without pixels": Odd(png(0, 0, b""), error="cannot be decoded|no pixels"),
        "png with too few rows": Odd(png(64, 48, b"\0" * 193 * 40), error="cannot be decoded"),
        "png text that unpacks without end": Odd(png(1, 1, b"\0" * 4, extra=bomb), error="cannot be decoded"),
        "huge png": Odd(png(30_000, 30_000, b"\0" * 90_001), error=large),
        "huge bmp": Odd(bmp[:18] + struct.pack("<ii", 30_000, 30_000) + bmp[26:], error=large),
        "huge ppm": Odd(b"P6 30000 30000 255\n", error=large),
        "huge gif": Odd(gif[:6] + struct.pack("<HH", 30_000, 30_000) + gif[10:], error=large),
        "huge gif frame": Odd(gif[:frame] + struct.pack("<HH", 30_000, 30_000) + gif[frame + 4 :], error=large),
        "huge jpeg": Odd(small[:size] + struct.pack(">HH", 30_000, 30_000) + small[size + 4 :], error=large),
        "huge tiff": Odd(b"II*\0" + struct.pack("<IH", 8, 4) + tiff + b"\0\0\0\0", error=large),
        "tiff whose pages go round": Odd(b"II*\0\x08\0\0\0\0\0\x08\0\0\0", error="cannot be decoded"),
    }


def names() -> dict[str, Odd]:
    image = street()
    plain = Odd(encoded(image), image)
    texts = {
        "png called jpg": "odd.jpg",
        "suffix in capitals": "ODD.PNG",
        "no suffix": "odd",
        "called txt": "odd.txt",
        "called mp4": "odd.mp4",
        "composed letter": "\u00e9.png",
        "decomposed letter": "e\u0301.png",
        "chinese": "街道.png",
        "emoji": "🚗.png",
        "from right to left": "\u202egnp.exe.png",
        "251 letters": "n" * 251 + ".png",
        "83 chinese letters": "街" * 83 + ".png",
        "space at the ends": " odd .png ",
        "new line": "new\nline.png",
        "terminal codes": "\x1b[31mred.png",
        "leading dash": "-rf.png",
        "hidden": ".odd.png",
        "nothing but a suffix": ".png",
        "percent and braces": "%s{0}%(x)d.png",
        "backslashes": "..\\..\\x.png",
        "not utf-8": os.fsdecode(b"\xff\xfe.png"),
        "pattern signs": "[a]*?.png",
        "fragment": "odd.mp4#frame=1",
        "like an address": "http:odd.png",
    }
    return {f"name: {key}": replace(plain, name=name) for key, name in texts.items()}


def places() -> dict[str, Odd]:
    image = street()
    plain = Odd(encoded(image), image)

    def in_place(make: Callable[[Path], object], error: str) -> Odd:
        return Odd(error=error, make=lambda path, _: make(path))

    def through_links(path: Path, data: bytes) -> None:
        (path.parent / "real.png").write_bytes(data)
        (path.parent / "link.png").symlink_to("real.png")
        path.symlink_to("link.png")

    def loop_of_two(path: Path) -> None:
        path.symlink_to("other.png")
        (path.parent / "other.png").symlink_to(path.name)

    def below_a_file(path: Path) -> None:
        path.parent.write_bytes(b"")

    return {
        "link to a link": replace(plain, make=through_links),
        "link to itself": in_place(lambda path: path.symlink_to(path.name), "cannot be opened: Too many levels"),
        "links in a circle": in_place(loop_of_two, "cannot be opened: Too many levels"),
        "broken link": in_place(lambda path: path.symlink_to("nowhere"), "is a link to a file that does not exist"),
        "link to zeros without end": in_place(lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        "link to the process's memory": in_place(lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
        "pipe": in_place(os.mkfifo, "is not a regular file"),
        "empty folder": in_place(Path.mkdir, "holds no picture"),
        "missing": in_place(lambda path: None, "does not exist"),
        "below a file": Odd(
            error="cannot be opened: Not a directory", name="odd/x.png", make=lambda p, _: below_a_file(p)
        ),
        "name too long": Odd(error="cannot be opened: File name too long", name="n" * 300, make=lambda *_: None),
    }


@functools.cache
def odd_pictures() -> dict[str, Odd]:
    kinds = (pixel_modes(), coding(), rotations(), cuts(), damaged(), names(), places())
    return {name: odd for kind in kinds for name, odd in kind.items()}


def test_there_are_enough_of_them() -> None:
    assert len(odd_pictures()) >= 150
    assert sum(odd.twin is None for odd in odd_pictures().values()) >= 60


@pytest.mark.parametrize("name", odd_pictures())
@pytest.mark.parametrize("frames", ["first", "all"])
def test_an_odd_picture_is_right_or_an_error_that_names_it(name: str, frames: str, tmp_path: Path) -> None:
    odd = odd_pictures()[name]
    path = tmp_path / odd.name
    odd.make(path, odd.data)
    before = len(os.listdir("/proc/self/fd"))
    item, *others = inputs(path, SourceOptions(frames=frames))
    assert len(others) == (1 if odd.note and frames == "all" else 0)
    if odd.twin is None:
        with pytest.raises(SourceError, match=odd.error) as caught:
            item.read()
        assert caught.value.message.startswith(printable(path))
        assert isinstance(caught.value, DecodeError) or name == "empty folder"
        assert str(caught.value).replace("\n", "", 1).isprintable()
    else:
        image = item.read()
        assert (image.shape, image.dtype, image.flags.c_contiguous) == (odd.twin.shape, np.uint8, True)
        assert np.abs(image.astype(int) - odd.twin).max() <= odd.near
        assert frames == "all" or item.note.partition("values ")[0] == odd.note
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", [name for name, odd in odd_pictures().items() if odd.make is Path.write_bytes])
def test_in_memory_it_is_what_it_is_in_a_file(name: str) -> None:
    odd = odd_pictures()[name]
    for source in (odd.data, io.BytesIO(odd.data)):
        (item,) = inputs(source)
        if odd.twin is None:
            with pytest.raises(DecodeError, match=f"{item.uri} .*({odd.error})"):
                item.read()
        else:
            assert np.abs(item.read().astype(int) - odd.twin).max() <= odd.near

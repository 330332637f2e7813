"""Reading pictures: what every kind of file looks like, and what damaged or hostile files do."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import pickle
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import EpsImagePlugin, ExifTags, Image

from zoo.errors import ConfigError, DecodeError
from zoo.picture.image import MAX_PIXELS, decode_picture, read_image
from zoo.picture.rgb import to_rgb

Pixels = NDArray[np.uint8]


def decode_image(data: bytes, name: str = "bytes", max_pixels: int = MAX_PIXELS) -> Pixels:
    return decode_picture(io.BytesIO(data), name, max_pixels).pixels


def street(height: int = 48, width: int = 64) -> Pixels:
    """Ramps with a noisy patch: no symmetry, every value, something to compress and something not."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 5, columns * 3, rows * columns], axis=-1).astype(np.uint8)
    image[height // 4 : height // 2, width // 4 : width // 2] = np.random.default_rng(0).integers(
        0, 256, (height // 2 - height // 4, width // 2 - width // 4, 3)
    )
    return image


# Pillow reads and writes it from 11.3 on.
Image.init()
AVIF = "AVIF" in Image.SAVE


def encoded(image: Pixels | Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, depth: int = 8, color: int = 2, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@functools.cache
def every_format() -> dict[str, bytes]:
    image = street()
    picture = Image.fromarray(image)

    def frames() -> dict[str, object]:
        return {"save_all": True, "append_images": [Image.fromarray(image[::-1])]}

    return {
        "png": encoded(image, "PNG"),
        "png palette": encoded(picture.quantize(16), "PNG"),
        "png 16 bit": encoded(Image.fromarray(image[:, :, 0].astype(np.uint16) * 257), "PNG"),
        "apng": encoded(image, "PNG", **frames()),
        "jpeg": encoded(image, "JPEG"),
        "jpeg progressive": encoded(image, "JPEG", progressive=True),
        "jpeg restart": encoded(image, "JPEG", restart_marker_rows=1),
        "jpeg cmyk": encoded(picture.convert("CMYK"), "JPEG"),
        "mpo": encoded(image, "MPO", **frames()),
        "bmp": encoded(image, "BMP"),
        "bmp palette": encoded(picture.quantize(16), "BMP"),
        "tiff": encoded(image, "TIFF"),
        "tiff lzw": encoded(image, "TIFF", compression="tiff_lzw"),
        "tiff deflate": encoded(image, "TIFF", compression="tiff_deflate"),
        "tiff jpeg": encoded(image, "TIFF", compression="jpeg"),
        "tiff pages": encoded(image, "TIFF", **frames()),
        "webp": encoded(image, "WEBP"),
        "webp lossless": encoded(image, "WEBP", lossless=True),
        "webp frames": encoded(image, "WEBP", **frames()),
        "jpeg 2000": encoded(image, "JPEG2000"),
        "jpeg 2000 codestream": encoded(image, "JPEG2000", no_jp2=True),
        **({"avif": encoded(image, "AVIF", quality=90)} if AVIF else {}),
        "gif": encoded(image, "GIF"),
        "gif frames": encoded(image, "GIF", **frames()),
        "ppm": encoded(image, "PPM"),
        "pgm": encoded(picture.convert("L"), "PPM"),
        "pbm": encoded(picture.convert("1"), "PPM"),
    }


FORMATS = tuple(every_format())
LOSSLESS = ("png", "apng", "bmp", "tiff", "tiff lzw", "tiff deflate", "tiff pages", "webp lossless", "ppm")


def test_formats_that_lose_nothing_give_back_the_very_pixels() -> None:
    for kind in LOSSLESS:
        assert np.array_equal(decode_image(every_format()[kind]), street()), kind


def test_a_camera_jpeg_reads_as_pillow_decodes_it_and_no_cut_of_it_reads_at_all(shared: Path, tmp_path: Path) -> None:
    path = min((shared / "data" / "camvid" / "images").rglob("*.jpg"))
    with Image.open(path) as picture:
        expected = np.array(picture)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.array_equal(image, expected)
    data = path.read_bytes()
    for sixteenth in range(1, 16):
        with pytest.raises(DecodeError, match="truncated"):
            decode_image(data[: len(data) * sixteenth // 16])
    half = tmp_path / "half.jpg"
    half.write_bytes(data[: len(data) // 2])
    with pytest.raises(DecodeError, match=r"half\.jpg cannot be decoded.*truncated"):
        read_image(half)


def two_sided(mode: str) -> tuple[bytes, Pixels]:
    """A PNG of this pixel mode and the RGB pixels it stands for."""
    image = street()
    alpha = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1)))
    picture = Image.fromarray(image)
    if mode == "RGBA":
        rgba = picture.copy()
        rgba.putalpha(alpha)
        return encoded(rgba, "PNG"), image
    if mode.startswith("P"):
        coded = picture.quantize(200)
        twin = np.array(coded.convert("RGB"))
        options = {"P": {}, "P clear colour": {"transparency": 3}, "P alpha": {"transparency": bytes(range(200))}}
        return encoded(coded, "PNG", **options[mode]), twin
    grey = Image.fromarray(image[:, :, 0] if mode != "1" else (image[:, :, 0] > 90).astype(np.uint8) * 255)
    twin = np.repeat(np.array(grey)[:, :, None], 3, axis=2)
    if mode == "LA":
        grey.putalpha(alpha)
        return encoded(grey, "PNG"), twin
    return encoded(grey.convert(mode), "PNG"), twin


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "P clear colour", "P alpha", "RGBA"])
def test_grey_palette_and_alpha_pictures_equal_their_rgb_twin(mode: str) -> None:
    data, twin = two_sided(mode)
    assert np.array_equal(decode_image(data), twin)


def test_a_cmyk_jpeg_looks_like_its_rgb_twin() -> None:
    smooth = np.array(Image.fromarray(street()).resize((64, 48)).reduce(4).resize((64, 48)))
    data = encoded(Image.fromarray(smooth).convert("CMYK"), "JPEG", quality=100, subsampling=0)
    assert np.abs(decode_image(data).astype(int) - smooth).max() <= 4


def test_of_16_bits_the_high_byte_is_taken_and_nothing_is_clipped() -> None:
    wide = np.arange(0, 65536, 27, dtype=np.uint16)[:2400].reshape(40, 60)
    high = np.repeat((wide >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    big_endian = wide.astype(">u2")
    rgb = np.stack([wide, wide[:, ::-1], wide[::-1]], axis=-1)
    rows = b"".join(b"\0" + row.tobytes() for row in rgb.astype(">u2"))
    files = {
        "png": encoded(Image.fromarray(wide), "PNG"),
        "tiff": encoded(Image.fromarray(wide), "TIFF"),
        "pgm": b"P5 60 40 65535\n" + big_endian.tobytes(),
    }
    for kind, data in files.items():
        assert np.array_equal(decode_image(data), high), kind
    assert np.array_equal(decode_image(png(60, 40, rows, depth=16)), (rgb >> 8).astype(np.uint8))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("stored", [{}, {"tile": (16, 16)}, {"rowsperstrip": 7}, {"compression": "zlib"}])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["grey", "white is zero", "rgb", "rgba", "separated", "many"])
def test_a_tiff_of_any_layout_is_the_picture_it_holds_or_refused(
    kind: str, bits: int, stored: dict[str, Any], planar: str, byteorder: Literal["<", ">"]
) -> None:
    tifffile = pytest.importorskip("tifffile", reason="the extra `large` is not installed")
    channels = {"grey": 1, "white is zero": 1, "rgb": 3}.get(kind, 4)
    photometric = {"white is zero": "miniswhite", "rgb": "rgb", "rgba": "rgb", "separated": "separated"}
    image = np.dstack([street(), street()[::-1]])[:, :, :channels]
    # The low byte is another picture, so that mixing them up is seen.
    data = image if bits == 8 else image.astype(np.uint16) * 256 + image[:, ::-1]
    options = {"rgba": {"extrasamples": ["unassalpha"]}, "many": {"extrasamples": [0, 0, 0]}}.get(kind, {})
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder=byteorder) as writer:
        writer.write(
            np.ascontiguousarray(data.transpose(2, 0, 1)) if planar == "separate" and channels > 1 else data.squeeze(),
            photometric=photometric.get(kind, "minisblack"),
            planarconfig=planar if channels > 1 else None,
            **stored,
            **options,
        )
    try:
        found = decode_image(file.getvalue())
    except DecodeError:
        refused = {
            "white is zero": bits == 16 and byteorder == ">",
            "rgba": False,
            "separated": bits == 16 and planar == "separate" and "compression" not in stored,
            "many": True,
        }
        assert refused.get(kind, False)
        return
    assert kind != "many"
    if kind == "separated":
        expected = np.array(Image.frombytes("CMYK", (64, 48), image.tobytes()).convert("RGB"))
    else:
        expected = np.repeat(image, 3, axis=2) if channels == 1 else image[:, :, :3]
    assert np.array_equal(found, 255 - expected if kind == "white is zero" else expected)


def test_of_12_bits_the_highest_8_are_taken() -> None:
    wide = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    first, second = wide[:, ::2], wide[:, 1::2]
    data = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8).tobytes()
    tags = {256: 64, 257: 48, 258: 12, 259: 1, 262: 1, 273: 10 + 12 * 8 + 4, 277: 1, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + data
    assert np.array_equal(decode_image(file), np.repeat((wide >> 4).astype(np.uint8)[:, :, None], 3, axis=2))


def test_a_tiff_that_pillow_would_read_as_another_picture_is_refused() -> None:
    tifffile = pytest.importorskip("tifffile", reason="the extra `large` is not installed")
    grey = street()[:, :, 0]
    tiles = (None if index == 1 else grey[:16, :16] for index in range(12))
    sparse = {"shape": (48, 64), "dtype": np.uint8, "tile": (16, 16)}
    for data, options, fact in (
        (grey.astype(np.int8), {}, "signed values of 8 bits"),
        (grey.astype(np.int16), {}, "signed values of 16 bits"),
        (tiles, sparse, "leaves out some of its tiles"),
        (
            np.stack([grey, grey]),
            {"planarconfig": "separate", "extrasamples": [1], "compression": "zlib"},
            "planes of grey and alpha|unknown pixel mode",  # Pillow before 11.3 refuses it by itself
        ),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, data, photometric="minisblack", **options)
        with pytest.raises(DecodeError, match=fact):
            decode_image(file.getvalue())


def test_a_tiff_over_the_limit_is_shown_the_way_for_large_ones() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_image(every_format()["tiff"], max_pixels=60)
    assert "zoo tiff" in caught.value.hint
    assert "Model.predict_tiff" in caught.value.hint
    with pytest.raises(DecodeError) as caught:
        decode_image(every_format()["png"], max_pixels=60)
    assert "tiff" not in caught.value.hint


def test_32_bits_a_channel_have_no_known_white_and_are_refused() -> None:
    for dtype in (np.float32, np.int32):
        with pytest.raises(DecodeError, match="32 bits a channel"):
            decode_image(encoded(Image.fromarray(np.ones((4, 4), dtype)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_all_eight_exif_orientations_give_the_upright_picture(kind: str) -> None:
    turn = Image.Transpose
    stored_as = {
        1: None,
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    # Blocks of 16 in five plain greys: JPEG keeps them to the value, whichever way they lie.
    upright = np.kron(np.array([[0, 60, 120], [180, 240, 30]], np.uint8)[:, :, None], np.ones((16, 16, 3), np.uint8))
    for orientation, transposition in stored_as.items():
        picture = Image.fromarray(upright)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        stored = picture if transposition is None else picture.transpose(transposition)
        options = {"lossless": True} if kind == "WEBP" else {}
        image = decode_image(encoded(stored, kind, exif=exif, **options))
        assert image.shape == (32, 48, 3), orientation
        assert np.abs(image.astype(int) - upright).max() <= 1, orientation
        assert image.flags.c_contiguous


def test_a_damaged_exif_orientation_does_not_cost_the_picture(caplog: pytest.LogCaptureFixture) -> None:
    plain = every_format()["jpeg"]
    text_tag = struct.pack(">HHI4s", ExifTags.Base.Orientation, 2, 2, b"x\0\0\0")
    payload = b"Exif\0\0" + struct.pack(">2sHIH", b"MM", 42, 8, 1) + text_tag + b"\0\0\0\0"
    broken = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + plain[2:]
    with caplog.at_level(logging.WARNING, "zoo"):
        assert np.array_equal(decode_image(broken, "shot"), decode_image(plain))
    assert "shot: its EXIF orientation is damaged and not used" in caplog.text


def test_content_counts_and_neither_the_name_nor_bytes_after_the_end(tmp_path: Path) -> None:
    for name in ("png_called.jpg", "X.PNG", "nothing", "new\nline \x1b[31m.png", os.fsdecode(b"\xff\xfe.png")):
        path = tmp_path / name
        path.write_bytes(every_format()["png"])
        assert np.array_equal(read_image(path), street()), name
    for kind in FORMATS:
        data = every_format()[kind]
        assert np.array_equal(decode_image(data + b"\0trailing <html>" * 9), decode_image(data)), kind


def decoded(data: bytes, max_pixels: int = MAX_PIXELS) -> Pixels | None:
    try:
        return decode_image(data, max_pixels=max_pixels)
    except DecodeError:
        return None


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cut_file_is_an_error_or_the_whole_first_picture(kind: str) -> None:
    data = every_format()[kind]
    whole = decode_image(data)
    sixteenths = {len(data) * part // 16 for part in range(16)}
    read = {length: decoded(data[:length]) for length in sixteenths | set(range(len(data) - 40, len(data)))}
    assert sum(image is None for image in read.values()) >= 8
    for length, image in read.items():
        assert image is None or np.array_equal(image, whole), length


def test_overwritten_bytes_of_a_png_are_noticed_by_its_checksums() -> None:
    data = encoded(street(300, 400), "PNG")
    for place in range(60, len(data) - 12, len(data) // 50):
        with pytest.raises(DecodeError):
            decode_image(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    kind=st.sampled_from(FORMATS),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    in_header=st.booleans(),
)
def test_no_change_of_bytes_raises_anything_but_a_decode_error(
    kind: str, edits: list[tuple[float, int]], in_header: bool
) -> None:
    data = bytearray(every_format()[kind])
    for place, value in edits:
        data[int(place * (64 if in_header else len(data)))] = value
    image = decoded(bytes(data), max_pixels=1_000_000)
    assert image is None or (image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3)


def with_declared_size(kind: str, width: int, height: int) -> bytes:
    small = every_format()
    if kind == "png":
        return png(width, height, b"\0" * (3 * width + 1))
    if kind == "bmp":
        return small["bmp"][:18] + struct.pack("<ii", width, height) + small["bmp"][26:]
    if kind == "ppm":
        return b"P6 %d %d 255\n" % (width, height)
    if kind == "gif":
        return small["gif"][:6] + struct.pack("<HH", width, height) + small["gif"][10:]
    if kind == "gif frame":
        place = small["gif"].index(b",\0\0\0\0" + struct.pack("<HH", 64, 48))
        return small["gif"][: place + 5] + struct.pack("<HH", width, height) + small["gif"][place + 9 :]
    if kind == "jpeg":
        place = small["jpeg"].index(b"\xff\xc0") + 5
        return small["jpeg"][:place] + struct.pack(">HH", height, width) + small["jpeg"][place + 4 :]
    tags = struct.pack("<HHII", 256, 4, 1, width) + struct.pack("<HHII", 257, 4, 1, height)
    tags += struct.pack("<HHIHH", 262, 3, 1, 1, 0) + struct.pack("<HHII", 273, 4, 1, 8)
    return b"II*\0" + struct.pack("<IH", 8, 4) + tags + b"\0\0\0\0"


@pytest.mark.parametrize("kind", ["png", "bmp", "ppm", "gif", "gif frame", "jpeg", "tiff"])
@pytest.mark.parametrize("side", [30_000, 9_460])
def test_a_declared_size_over_the_limit_is_refused_from_the_header_without_a_warning(kind: str, side: int) -> None:
    # 9460 x 9460 is where Pillow alone would warn and go on; warnings are errors in these tests.
    with pytest.raises(DecodeError, match=rf"{side * side} pixels \({side}x{side}\). At most {MAX_PIXELS}"):
        decode_image(with_declared_size(kind, side, side))


def test_the_limit_is_the_last_accepted_number_of_pixels() -> None:
    data = encoded(street(6, 10), "PNG")
    assert decode_image(data, max_pixels=60).shape == (6, 10, 3)
    with pytest.raises(DecodeError, match=r"named has 60 pixels \(6x10\). At most 59"):
        decode_image(data, "named", max_pixels=59)


def test_a_picture_that_does_not_fit_into_memory_is_a_decode_error() -> None:
    script = (
        "import io, resource, sys\n"
        "from zoo.errors import DecodeError\n"
        "from zoo.picture.image import decode_picture\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "try: decode_picture(io.BytesIO(sys.stdin.buffer.read()), 'huge', 10**10)\n"
        "except DecodeError as error: print(error)\n"
    )
    data = with_declared_size("bmp", 30_000, 30_000)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, env=environ, check=False)
    assert b"needs more memory than there is" in done.stdout, done.stderr


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (7, 3000)])
def test_the_narrowest_pictures_are_read(size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    for kind in ("PNG", "BMP", "PPM"):
        assert np.array_equal(decode_image(encoded(image, kind)), image)
    for kind in ("JPEG", "WEBP", "GIF", "TIFF"):
        assert decode_image(encoded(image, kind)).shape == (*size, 3)


def saved_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return file.getvalue()


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "is empty"),
        (b"\0" * 500, "is not a picture"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is not a picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "is not a picture"),
        (b"%PDF-1.7\n1 0 obj\n", "is not a picture"),
        (pickle.dumps([1, 2]), "is not a picture"),
        (saved_array(), "is not a picture"),
        (POSTSCRIPT, "is not a picture"),
        (b"BMW and others", "is not a picture"),
        (b"P3\n1 1\n255\n1 2 3\n", "is not a picture"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
        (b"\xff\xd8\xff\xe0", "cannot be decoded"),
    ],
)
def test_what_is_no_picture_is_named_and_refused_whatever_its_suffix(data: bytes, fact: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=f"x.png {fact}.*Expected a whole PNG"):
        read_image(path)


def test_postscript_never_starts_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "gs"
    trap.write_text(f"#!/bin/sh\necho started >> '{tmp_path}/started'\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    with pytest.raises(DecodeError):
        decode_image(POSTSCRIPT)
    assert not (tmp_path / "started").exists()
    # The trap works: Pillow left to itself walks into it.
    with contextlib.suppress(OSError), Image.open(io.BytesIO(POSTSCRIPT)) as picture:
        picture.load()
    assert (tmp_path / "started").exists()


def test_a_text_chunk_that_unpacks_to_a_gigabyte_is_a_decode_error() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000, 1))
    with pytest.raises(DecodeError, match="cannot be decoded"):
        decode_image(png(1, 1, b"\0\0\0\0", extra=bomb))


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_broken(path: Path) -> None:
    path.symlink_to("nowhere")


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (make_fifo, "is not a regular file"),
        (make_endless, "is not a regular file"),
        (make_broken, "is a link to a file that does not exist"),
        (make_loop, "cannot be opened: Too many levels"),
        (Path.mkdir, "is a folder"),
        (lambda path: None, "does not exist"),
    ],
)
def test_what_is_no_file_is_refused_at_once(make: Callable[[Path], None], fact: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    make(path)
    errors: list[DecodeError] = []

    def read() -> None:
        try:
            read_image(path)
        except DecodeError as error:
            errors.append(error)

    before = len(os.listdir("/proc/self/fd"))
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert fact in errors[0].message
    assert len(os.listdir("/proc/self/fd")) == before


def test_names_in_messages_cannot_forge_lines_or_colours(tmp_path: Path) -> None:
    for name in ("a\nERROR forged", "\x1b[31mred", os.fsdecode(b"\xff\xfe"), "\u202eright to left", "nul\0"):
        with pytest.raises(DecodeError) as caught:
            read_image(tmp_path / name)
        text = str(caught.value)
        assert text.count("\n") == 1
        assert text.replace("\n", "").isprintable()
        text.encode("utf-8")


@pytest.mark.parametrize("kind", ["gif frames", "webp frames", "tiff pages", "apng"])
def test_of_several_frames_the_first_is_taken_and_the_log_says_so(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "zoo"):
        image = decode_image(every_format()[kind], "clip")
    assert caplog.messages == ["clip: the first of 2 frames is taken"]
    assert np.abs(image.astype(int) - street()).mean() < 30
    assert np.abs(image[::-1].astype(int) - street()).mean() > 50


def test_a_pil_image_converts_as_its_file_does_and_is_left_as_it_was() -> None:
    with Image.open(io.BytesIO(every_format()["png palette"])) as picture:
        assert np.array_equal(to_rgb(picture).pixels, decode_image(every_format()["png palette"]))
        assert picture.mode == "P"
    mixed = Image.fromarray(street()).quantize(16).convert("PA")
    assert np.array_equal(to_rgb(mixed).pixels, np.array(mixed.convert("RGBA"))[:, :, :3])


def test_a_pil_image_that_is_closed_cut_or_without_pixels_is_a_decode_error() -> None:
    closed = Image.fromarray(street())
    closed.close()
    cut = Image.open(io.BytesIO(every_format()["jpeg"][:700]))
    for picture in (closed, cut, Image.new("RGB", (0, 5))):
        with pytest.raises(DecodeError, match=r"^photo "):
            to_rgb(picture, "photo")


@pytest.mark.parametrize(("color", "depth", "channels"), [(0, 1, 1), (0, 16, 1), (2, 8, 3), (4, 8, 2), (6, 16, 4)])
def test_a_png_whose_pixels_end_behind_a_row_is_refused_and_one_of_any_colours_is_not(
    color: int, depth: int, channels: int
) -> None:
    # Such a file is whole to its last checksum, and Pillow leaves the rest of the picture as it was.
    row = b"\0" + bytes([165, 90, 105, 150] * 8 * depth)[: 16 * channels * depth // 8]
    for value in (row, b"\0" + b"\xa5" * (len(row) - 1), bytes(len(row))):
        assert decode_image(png(16, 9, value * 9, depth, color)).shape == (9, 16, 3)
        for rows in range(9):
            with pytest.raises(DecodeError, match="cannot be decoded"):
                decode_image(png(16, 9, value * rows, depth, color))


def test_the_limit_of_pixels_is_the_users_to_raise_and_to_lower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, large = tmp_path / "a.png", tmp_path / "large.png"
    path.write_bytes(every_format()["png"])
    large.write_bytes(png(10_000, 9_000, b"\0" * 1251 * 9_000, depth=1, color=0))
    with pytest.raises(DecodeError, match=r"has 90000000 pixels \(9000x10000\). At most 89000000") as caught:
        read_image(large)
    assert "max_pixels=NUMBER" in caught.value.hint
    assert read_image(large, 90_000_000).shape == (9_000, 10_000, 3)
    monkeypatch.setenv("ZOO_MAX_PIXELS", "3071")
    with pytest.raises(DecodeError, match=r"has 3072 pixels \(48x64\). At most 3071"):
        read_image(path)
    assert read_image(path, 3072).shape == (48, 64, 3), "what is chosen beats the environment"
    monkeypatch.setenv("ZOO_MAX_PIXELS", "3_072")
    assert read_image(path).shape == (48, 64, 3)
    for wrong in ("0", "-5", "many", "1e9"):
        monkeypatch.setenv("ZOO_MAX_PIXELS", wrong)
        with pytest.raises(ConfigError, match="ZOO_MAX_PIXELS is"):
            read_image(path)

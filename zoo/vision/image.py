"""Decoding: any picture file or bytes -> RGB uint8, or a DecodeError that says why not."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import stat
import struct
from collections.abc import Callable
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from zoo.errors import DecodeError
from zoo.text import printable

#: Largest accepted number of pixels, checked from the header before anything is decoded. Just under the size from
#: which Pillow itself would warn.
MAX_PIXELS = 89_000_000

#: How many first bytes `is_picture` needs.
HEAD_BYTES = 32

_LOG = logging.getLogger("zoo")

_EXPECTED = "Expected a whole PNG, JPEG, BMP, TIFF, WebP, PPM or GIF picture."
_HINT_PATH = "Check the path and the rights to read it; a relative path starts at the current folder."
_HINT_FILE = "Open it in a picture viewer; if it looks right there, save it again as PNG."

# Bytes choose the parser, and no other parser exists for them: `Image.open` would warn at its own size limit, hand
# PostScript to Ghostscript unless told not to, and open a JPEG that carries further pictures as something else.
_PARSERS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], ImageFile]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), BmpImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImageFile),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL), WebPImageFile),
    # Only the binary kinds: where a text kind is cut within its last number nobody can tell.
    (re.compile(rb"P[4-6]\s+[#0-9]"), PpmImageFile),
    (re.compile(rb"GIF8[79]a"), GifImageFile),
)

# EXIF orientation -> step through the rows, step through the columns, whether rows and columns change places after.
_TURNS = {
    2: (1, -1, False),
    3: (-1, -1, False),
    4: (-1, 1, False),
    5: (1, 1, True),
    6: (-1, 1, True),
    7: (-1, -1, True),
    8: (1, -1, True),
}


def read_image(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Reads a picture file.

    Args:
        path: A regular file. The format is recognised by content, never by suffix.
        max_pixels: Pictures with more pixels are refused from their header.

    Returns:
        (H, W, 3) RGB uint8, turned as its EXIF orientation says, alpha dropped, grey widened. Of several frames the
        first, which the log says.

    Raises:
        DecodeError: The file is missing, not a regular file, or not a whole picture of an accepted format.
    """
    name = printable(path)
    try:
        # A FIFO or a device would block a plain open for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        what = "is a link to a file that does not exist" if os.path.islink(path) else "does not exist"
        raise DecodeError(f"{name} {what}. {_EXPECTED}", _HINT_PATH) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DecodeError(f"{name} cannot be opened: {reason}. {_EXPECTED}", _HINT_PATH) from error
    try:
        if not stat.S_ISREG(mode := os.fstat(handle).st_mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise DecodeError(f"{name} is {kind}. {_EXPECTED}", "Give the path of a picture file.")
        with open(handle, "rb", closefd=False) as file:
            return _decode(file, name, max_pixels)
    finally:
        os.close(handle)


def decode_image(data: bytes, name: str = "bytes", max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decodes a picture held in memory.

    Args:
        data: The content of a picture file.
        name: What error messages call it.
        max_pixels: Pictures with more pixels are refused from their header.

    Returns:
        (H, W, 3) RGB uint8, as `read_image` returns it.

    Raises:
        DecodeError: The bytes are not a whole picture of an accepted format.
    """
    return _decode(io.BytesIO(data), name, max_pixels)


def to_rgb(picture: Image.Image, name: str = "image") -> NDArray[np.uint8]:
    """Converts a PIL image to RGB uint8 the way `read_image` does.

    Args:
        picture: Any PIL image, its pixels decoded or not; the caller's is not modified.
        name: What error messages call it.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        DecodeError: Its pixels cannot be decoded, or it has none, or a mode that has no RGB meaning.
    """
    try:
        picture.load()
        image = _pixels(picture, name)
        orientation = _orientation(picture, name)
    except DecodeError:
        raise
    except Exception as error:
        raise _undecodable(name, error) from error
    if not image.size:
        raise DecodeError(f"{name} is {image.shape[0]}x{image.shape[1]} and has no pixels. {_EXPECTED}", _HINT_FILE)
    if orientation not in _TURNS:
        return image
    rows, columns, swap = _TURNS[orientation]
    turned = image[::rows, ::columns]
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if swap else turned)


def is_picture(head: bytes) -> bool:
    """Whether a file's first `HEAD_BYTES` bytes are those of an accepted format."""
    return any(magic.match(head) for magic, _ in _PARSERS)


def _decode(file: BinaryIO, name: str, max_pixels: int) -> NDArray[np.uint8]:
    head = file.read(HEAD_BYTES)
    if not head:
        raise DecodeError(f"{name} is empty (0 bytes). {_EXPECTED}", "Copy or download the file again.")
    parser = next((parser for magic, parser in _PARSERS if magic.match(head)), None)
    if parser is None:
        raise DecodeError(f"{name} is not a picture of an accepted format. {_EXPECTED}", _HINT_FILE)
    try:
        if parser is GifImageFile:
            _check_size(_first_gif_frame(file), name, max_pixels)
        file.seek(0)
        if parser is PngImageFile:
            # Loading checks no checksum: overwritten bytes would come back as pixels.
            parser(file).verify()
            file.seek(0)
        picture = parser(file)
    except DecodeError:
        raise
    except Exception as error:
        raise _undecodable(name, error) from error
    with picture:
        _check_size(picture.size, name, max_pixels)
        image = to_rgb(picture, name)
        # Damage in later frames is no damage to the first.
        with contextlib.suppress(Exception):
            if getattr(picture, "is_animated", False):
                _LOG.info("%s: the first of %d frames is taken", name, cast(int, getattr(picture, "n_frames", 0)))
        return image


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise DecodeError(
            f"{name} has {width * height} pixels ({height}x{width}). At most {max_pixels} are accepted.",
            "Cut it into tiles or make it smaller first.",
        )


def _first_gif_frame(file: BinaryIO) -> tuple[int, int]:
    # A frame may be larger than the picture's own header says; Pillow would then grow the picture, with a warning.
    file.seek(10)
    flags = file.read(3)[0]
    file.seek(3 << (flags & 7) + 1 if flags & 0x80 else 0, os.SEEK_CUR)
    while (mark := file.read(1)) == b"!":
        file.seek(1, os.SEEK_CUR)
        while length := file.read(1)[0]:
            file.seek(length, os.SEEK_CUR)
    if mark != b",":
        raise EOFError("it has no frame")
    left, top, width, height = struct.unpack("<4H", file.read(8))
    return left + width, top + height


def _pixels(picture: Image.Image, name: str) -> NDArray[np.uint8]:
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        # 16 bits a channel: the high byte counts. Pillow's own conversion clips everything above 255 to white.
        high = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(high[:, :, None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise DecodeError(
            f"{name} has 32 bits a channel (mode {picture.mode}). Expected 8 or 16.",
            "Convert it to 8 bits a channel first; which values mean black and white only you know.",
        )
    if picture.mode == "P" and "transparency" in picture.info:
        # Straight to RGB, Pillow warns about the transparency that is dropped on purpose here.
        picture = picture.convert("RGBA")
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"), dtype=np.uint8)


def _orientation(picture: Image.Image, name: str) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:
        # The pixels are whole; viewers show such a picture as it is stored, and so does zoo.
        _LOG.warning("%s: its EXIF orientation is damaged and not used (%s)", name, printable(str(error)))
        return 1


def _undecodable(name: str, error: Exception) -> DecodeError:
    # Pillow's parsers raise whatever goes wrong first: besides its own errors ValueError, struct.error, zlib.error,
    # OverflowError and more have been seen on damaged files.
    if isinstance(error, MemoryError):
        return DecodeError(
            f"{name} needs more memory than there is. {_EXPECTED}", "Make the picture smaller, or free some memory."
        )
    reason = printable(str(error)).rstrip(".") or type(error).__name__
    return DecodeError(f"{name} cannot be decoded: {reason}. {_EXPECTED}", _HINT_FILE)

"""Decoding: any picture file or bytes -> RGB uint8, or a DecodeError that says why not."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from zoo.contract.spec import ValueRange
from zoo.errors import ConfigError, DecodeError
from zoo.message import Message, joined_notes, printable
from zoo.picture.gif import gif_extents
from zoo.picture.jpeg2000 import Jpeg2000
from zoo.picture.opening import (
    EXPECTED,
    HINT_AGAIN,
    HINT_FILE,
    HINT_LARGE_TIFF,
    HINT_SIZE,
    check_size,
    open_regular,
    undecodable,
)
from zoo.picture.pages import PagedTiff, check_pages
from zoo.picture.png import WholePng, check_png
from zoo.picture.rgb import Picture, orientation_of, to_rgb
from zoo.picture.unread import HEAD_BYTES as UNREAD_BYTES
from zoo.picture.unread import unread_kind

#: Largest number of pixels that is accepted unless the user allows more, checked from the header before anything is
#: decoded. Just under the size from which Pillow itself would warn.
MAX_PIXELS = 89_000_000

_MOST = "ZOO_MAX_PIXELS"

#: How many first bytes `is_picture` needs.
HEAD_BYTES = 32

_LOG = logging.getLogger("zoo")


def _open_avif(file: BinaryIO) -> ImageFile:
    # Slow to import, and older versions of Pillow have none.
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(file)


# Bytes choose the parser, and no other parser exists for them: `Image.open` would warn at its own size limit, hand
# PostScript to Ghostscript unless told not to, and open a JPEG that carries further pictures as something else.
_PARSERS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], ImageFile]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), WholePng),
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), BmpImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), PagedTiff),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL), WebPImageFile),
    # Only the binary kinds: where a text kind is cut within its last number nobody can tell.
    (re.compile(rb"P[4-6]\s+[#0-9]"), PpmImageFile),
    (re.compile(rb"GIF8[79]a"), GifImageFile),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), Jpeg2000),
    (re.compile(rb".{4}ftyp(?:avi[fs]|mif1.{4}(?:.{4}){0,3}avi[fs])", re.DOTALL), _open_avif),
)


def most_pixels(chosen: int | None = None) -> int:
    """Returns how many pixels a picture may have: what was chosen, else what the environment or zoo itself says.

    Raises:
        ConfigError: The variable of the environment is no positive number.
    """
    said = os.environ.get(_MOST, "").strip().replace("_", "")
    if chosen is not None or not said:
        return MAX_PIXELS if chosen is None else chosen
    if not said.isdecimal() or not int(said):
        raise ConfigError(
            "{variable} is {value!r}. A positive whole number of pixels was expected.",
            "Run: export {variable}=200000000  (or: unset {variable})",
            variable=_MOST,
            value=said,
        )
    return int(said)


def read_picture(
    path: str | os.PathLike[str], max_pixels: int | None = None, value_range: ValueRange = None
) -> Picture:
    """Reads a picture file as `read_image` does, and says more of it."""
    with open_regular(path) as file:
        return decode_picture(file, printable(path), most_pixels(max_pixels), value_range)


def read_orientation(path: str | os.PathLike[str]) -> int:
    """Returns the EXIF orientation of a picture file, 1 where it has none.

    Raises:
        DecodeError: The file is not a picture of an accepted format.
    """
    name = printable(path)
    with open_regular(path) as file, open_picture(file, name, most_pixels()) as picture:
        return orientation_of(picture, name)


def read_image(
    path: str | os.PathLike[str], max_pixels: int | None = None, value_range: ValueRange = None
) -> NDArray[np.uint8]:
    """Reads a picture file.

    Args:
        path: A regular file. The format is recognised by content, never by suffix.
        max_pixels: Pictures with more pixels are refused from their header; by default `most_pixels`.
        value_range: Which values of more than 8 bits a channel become black and white; "auto" for those of the picture.

    Returns:
        (H, W, 3) RGB uint8, turned as its EXIF orientation says, alpha dropped, grey widened. Of several frames the
        first, which the log says.

    Raises:
        DecodeError: The file is missing, not a regular file, or not a whole picture of an accepted format.
    """
    return read_picture(path, max_pixels, value_range).pixels


def decode_picture(file: BinaryIO, name: str, max_pixels: int, value_range: ValueRange = None) -> Picture:
    """Decodes a picture as `read_image` does, and says whether its file holds more.

    Raises:
        DecodeError: The file is not a whole picture of an accepted format.
    """
    with open_picture(file, name, max_pixels) as picture:
        hint = HINT_LARGE_TIFF if isinstance(picture, TiffImageFile) else HINT_SIZE
        check_size(picture.height, picture.width, name, max_pixels, hint)
        decoded = to_rgb(picture, name, value_range)
        try:
            count = count_frames(file, picture, name, max_pixels)
        except Exception:
            # Damage in later frames is no damage to the first.
            note = Message("first frame of a damaged file")
        else:
            note = Message("first of {count} frames", count=count) if count > 1 else ""
    if note:
        _LOG.info("%s: the %s is taken", name, note)
    return decoded._replace(note=joined_notes(note, decoded.note))


def open_picture(file: BinaryIO, name: str, max_pixels: int) -> ImageFile:
    """Chooses the parser of a picture file and lets it read the header.

    Raises:
        DecodeError: It is not a picture of an accepted format, or the header is damaged.
    """
    try:
        file.seek(0)
        head = file.read(UNREAD_BYTES)
    except Exception as error:
        raise undecodable(name, error) from error
    if not head:
        raise DecodeError("{name} is empty (0 bytes). {expected}", HINT_AGAIN, name=name, expected=EXPECTED)
    parser = next((parser for magic, parser in _PARSERS if magic.match(head)), None)
    if parser is None:
        if kind := unread_kind(head):
            fact = Message("{name} is not a picture of an accepted format but {kind}.", name=name, kind=kind)
            raise DecodeError(Message("{fact} {expected}", fact=fact, expected=EXPECTED), HINT_FILE)
        raise DecodeError(
            "{name} is not a picture of an accepted format. {expected}", HINT_FILE, name=name, expected=EXPECTED
        )
    try:
        if parser is GifImageFile:
            # Its own header may declare less than its first frame needs.
            width, height = next(gif_extents(file), (0, 0))
            check_size(height, width, name, max_pixels)
        if parser is PagedTiff:
            check_pages(file, name)
        if parser is WholePng:
            check_png(file, name, max_pixels)
        file.seek(0)
        return parser(file)
    except DecodeError:
        raise
    except Exception as error:
        raise undecodable(name, error) from error


def count_frames(file: BinaryIO, picture: Image.Image, name: str, max_pixels: int) -> int:
    """Returns how many frames or pages a picture has.

    Args:
        file: The file it was opened from.
        picture: What `open_picture` returned.
        name: What error messages call it.
        max_pixels: Frames with more pixels are refused where the format says so this early.

    Raises:
        Exception: Whatever the parser raises where the file is damaged.
    """
    if not isinstance(picture, GifImageFile):
        return int(getattr(picture, "n_frames", 1))
    count = 0
    for width, height in gif_extents(file):
        check_size(height, width, name, max_pixels)
        count += 1
    return count


def is_picture(head: bytes) -> bool:
    """Whether a file's first `HEAD_BYTES` bytes are those of an accepted format."""
    return any(magic.match(head) for magic, _ in _PARSERS)

"""Decoding: any picture file or bytes -> RGB uint8, or a DecodeError that says why not."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL import TiffImagePlugin as Tiff
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from zoo.errors import DecodeError
from zoo.message import Message, printable
from zoo.picture.gif import gif_extents
from zoo.picture.opening import EXPECTED, HINT_FILE, HINT_LARGE_TIFF, HINT_SIZE, check_size, open_regular, undecodable
from zoo.picture.png import check_png

#: Largest accepted number of pixels, checked from the header before anything is decoded. Just under the size from
#: which Pillow itself would warn.
MAX_PIXELS = 89_000_000

#: How many first bytes `is_picture` needs.
HEAD_BYTES = 32

_LOG = logging.getLogger("zoo")

_HINT_MEANING = Message("Convert it to 8 bits a channel first; which values mean black and white only you know.")
_HINT_TIFF = Message("Convert it, for instance with: tiffcp -p contig -c zip old.tif new.tif")

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


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3) RGB uint8, C-contiguous.
        note: What part of its file it is, such as "first of 12 frames"; empty where it is all of it.
    """

    pixels: NDArray[np.uint8]
    note: str = ""


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
    with open_regular(path) as file:
        return decode(file, printable(path), max_pixels).pixels


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
    return decode(io.BytesIO(data), name, max_pixels).pixels


def decode(file: BinaryIO, name: str, max_pixels: int) -> Picture:
    """Decodes a picture as `read_image` does, and says whether its file holds more.

    Raises:
        DecodeError: The file is not a whole picture of an accepted format.
    """
    with open_picture(file, name, max_pixels) as picture:
        hint = HINT_LARGE_TIFF if isinstance(picture, TiffImageFile) else HINT_SIZE
        check_size(picture.height, picture.width, name, max_pixels, hint)
        pixels = to_rgb(picture, name)
        try:
            count = count_frames(file, picture, name, max_pixels)
        except Exception:
            # Damage in later frames is no damage to the first.
            note = Message("first frame of a damaged file")
        else:
            note = Message("first of {count} frames", count=count) if count > 1 else ""
    if note:
        _LOG.info("%s: the %s is taken", name, note)
    return Picture(pixels, note)


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
        if isinstance(picture, TiffImageFile):
            _correct_tiff(picture, name)
        picture.load()
        image = _pixels(picture, name)
        orientation = _orientation(picture, name)
    except DecodeError:
        raise
    except Exception as error:
        raise undecodable(name, error) from error
    if not image.size:
        raise DecodeError(
            "{name} is {height}x{width} and has no pixels. {expected}",
            HINT_FILE,
            name=name,
            height=image.shape[0],
            width=image.shape[1],
            expected=EXPECTED,
        )
    if orientation not in _TURNS:
        return image
    rows, columns, swap = _TURNS[orientation]
    turned = image[::rows, ::columns]
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if swap else turned)


def open_picture(file: BinaryIO, name: str, max_pixels: int) -> ImageFile:
    """Chooses the parser of a picture file and lets it read the header.

    Raises:
        DecodeError: It is not a picture of an accepted format, or the header is damaged.
    """
    try:
        file.seek(0)
        head = file.read(HEAD_BYTES)
    except Exception as error:
        raise undecodable(name, error) from error
    if not head:
        raise DecodeError(
            "{name} is empty (0 bytes). {expected}", "Copy or download the file again.", name=name, expected=EXPECTED
        )
    parser = next((parser for magic, parser in _PARSERS if magic.match(head)), None)
    if parser is None:
        raise DecodeError(
            "{name} is not a picture of an accepted format. {expected}", HINT_FILE, name=name, expected=EXPECTED
        )
    try:
        if parser is GifImageFile:
            # Its own header may declare less than its first frame needs.
            width, height = next(gif_extents(file), (0, 0))
            check_size(height, width, name, max_pixels)
        if parser is PngImageFile:
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


def unmultiplied(colours: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undoes a multiplication by alpha, with the rounding of Pillow.

    Args:
        colours: (H, W, any number) values that were multiplied.
        alpha: (H, W, 1); where it is 0 the colour is lost, and the result black.
    """
    colour = colours.astype(np.uint16) * np.uint16(255) // np.maximum(alpha, 1)
    return np.where(alpha == 0, 0, np.minimum(colour, 255)).astype(np.uint8)


def _correct_tiff(picture: TiffImageFile, name: str) -> None:
    """Corrects what Pillow is about to read from a TIFF, where it would be another picture than the file holds.

    Raises:
        DecodeError: It would, and cannot be corrected.
    """
    # Where a tag is missing, it is what Pillow takes it for.
    tags = picture.tag_v2
    bits, extra = max(tags.get(Tiff.BITSPERSAMPLE, (1,))), len(tags.get(Tiff.EXTRASAMPLES, ()))
    photometric, planar = tags.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0), tags.get(Tiff.PLANAR_CONFIGURATION, 1) == 2
    if bits < 32 and max(tags.get(Tiff.SAMPLEFORMAT, (1,))) == 2:
        raise DecodeError(
            "{name} has signed values of {bits} bits a channel. Expected unsigned ones.",
            _HINT_MEANING,
            name=name,
            bits=bits,
        )
    if photometric < 2 and extra > 1:
        raise DecodeError(
            "{name} has {channels} channels without a colour. Expected grey or RGB, with alpha or without.",
            "Choose the channels that are red, green and blue, and save these as RGB.",
            name=name,
            channels=1 + extra,
        )
    if planar and picture.mode == "La":
        raise DecodeError(
            "{name} has planes of grey and alpha, multiplied. {expected}", _HINT_TIFF, name=name, expected=EXPECTED
        )
    if not any(tile.codec_name == "raw" for tile in picture.tile):
        return
    if photometric == 6 and tuple(tags.get(Tiff.YCBCRSUBSAMPLING, (2, 2))) != (1, 1):
        raise DecodeError(
            "{name} has subsampled colours without compression. {expected}", HINT_FILE, name=name, expected=EXPECTED
        )
    if not all(tile.offset for tile in picture.tile):
        # Pillow takes the file's header for their pixels.
        raise DecodeError(
            "{name} leaves out some of its tiles or strips. {expected}", _HINT_TIFF, name=name, expected=EXPECTED
        )
    if bits == 16 and planar:
        # Pillow asks for planes of 8 bits.
        if picture.mode not in ("RGB", "RGBA"):
            raise DecodeError(
                "{name} has planes of 16 bits in mode {mode}. {expected}",
                _HINT_TIFF,
                name=name,
                mode=picture.mode,
                expected=EXPECTED,
            )
        order = ";16L" if tags.prefix == b"II" else ";16B"
        for index, tile in enumerate(picture.tile):
            if isinstance(tile.args, tuple) and len(tile.args[0]) == 1:
                picture.tile[index] = tile._replace(args=(tile.args[0] + order, *tile.args[1:]))


def _pixels(picture: Image.Image, name: str) -> NDArray[np.uint8]:
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        # Above 8 bits a channel: the highest 8 count. Pillow's own conversion clips everything above 255 to white.
        bits, inverted = 16, False
        if isinstance(picture, TiffImageFile):
            # Unlike values of 8 bits, Pillow leaves those of 12 as low and those of white 0 as inverted as they are.
            bits = picture.tag_v2[Tiff.BITSPERSAMPLE][0]
            inverted = picture.tag_v2.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0) == 0
        high = (np.asarray(picture).astype(np.uint16) >> (bits - 8)).astype(np.uint8)
        return np.repeat((255 - high if inverted else high)[:, :, None], 3, axis=2)
    if picture.mode == "La":
        values = np.asarray(picture)
        return np.repeat(unmultiplied(values[:, :, :1], values[:, :, 1:]), 3, axis=2)
    if picture.mode in ("I", "F"):
        raise DecodeError(
            "{name} has 32 bits a channel (mode {mode}). Expected 8 or 16.", _HINT_MEANING, name=name, mode=picture.mode
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

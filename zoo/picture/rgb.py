"""A decoded PIL image -> RGB uint8: what its mode, its TIFF tags and its EXIF orientation mean."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL import TiffImagePlugin as Tiff
from PIL.TiffImagePlugin import TiffImageFile

from zoo.contract.spec import ValueRange
from zoo.errors import DecodeError
from zoo.message import Message, joined_notes, printable
from zoo.picture.levels import to_levels
from zoo.picture.nodata import without_data
from zoo.picture.opening import EXPECTED, HINT_FILE, undecodable
from zoo.picture.wide import wide_values

_LOG = logging.getLogger("zoo")

_HINT_MEANING = Message("Say which of them are black and white: value_range=(LOW, HIGH), or value_range='auto'.")
_HINT_TIFF = Message("Convert it, for instance with: tiffcp -p contig -c zip old.tif new.tif")

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
        note: What part of its file it is, such as "first of 12 frames", and which of its values became black and white;
            empty where it is all of it, and of 8 bits.
        orientation: The EXIF orientation that it was turned by; 1 where it is as it was stored.
        empty: (H, W), which pixels have no data; None where all have.
    """

    pixels: NDArray[np.uint8]
    note: str = ""
    orientation: int = 1
    empty: NDArray[np.bool_] | None = None


def to_rgb(picture: Image.Image, name: str = "image", value_range: ValueRange = None) -> Picture:
    """Converts a PIL image to RGB uint8 the way `read_image` does.

    Args:
        picture: Any PIL image, its pixels decoded or not; the caller's is not modified.
        name: What error messages call it.
        value_range: Which values of more than 8 bits a channel become black and white.

    Raises:
        DecodeError: Its pixels cannot be decoded, or it has none, or a mode that has no RGB meaning.
    """
    note = ""
    try:
        if isinstance(picture, TiffImageFile):
            _correct_tiff(picture, name, value_range)
        wide = wide_values(picture, name, value_range is not None)
        picture.load()
        if wide is None or not wide.values.size:
            image = _pixels(picture)
        elif not wide.white and value_range is None:
            raise DecodeError(
                "{name} has 32 bits a channel (mode {mode}), and nothing says which values mean black and white. "
                "Expected 8 or 16.",
                _HINT_MEANING,
                name=name,
                mode=picture.mode,
            )
        else:
            levels, note = to_levels(wide, value_range)
            image = levels if levels.ndim == 3 else np.repeat(levels[:, :, None], 3, axis=2)
        empty, told = without_data(picture, wide)
        orientation = orientation_of(picture, name)
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
    note = joined_notes(note, told)
    if orientation not in _TURNS:
        return Picture(image, note, empty=empty)
    return Picture(turned(image, orientation), note, orientation, None if empty is None else turned(empty, orientation))


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turns pixels (H, W, ...) as an EXIF orientation from 2 to 8 says."""
    rows, columns, swap = _TURNS[orientation]
    flipped = pixels[::rows, ::columns]
    return np.ascontiguousarray(flipped.swapaxes(0, 1) if swap else flipped)


def unmultiplied(colours: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undoes a multiplication by alpha, with the rounding of Pillow.

    Args:
        colours: (H, W, any number) values that were multiplied.
        alpha: (H, W, 1); where it is 0 the colour is lost, and the result black.
    """
    colour = colours.astype(np.uint16) * np.uint16(255) // np.maximum(alpha, 1)
    return np.where(alpha == 0, 0, np.minimum(colour, 255)).astype(np.uint8)


def _correct_tiff(picture: TiffImageFile, name: str, value_range: ValueRange) -> None:
    """Corrects what Pillow is about to read from a TIFF, where it would be another picture than the file holds.

    Raises:
        DecodeError: It would, and cannot be corrected.
    """
    # Where a tag is missing, it is what Pillow takes it for.
    tags = picture.tag_v2
    bits, extra = max(tags.get(Tiff.BITSPERSAMPLE, (1,))), len(tags.get(Tiff.EXTRASAMPLES, ()))
    photometric, planar = tags.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0), tags.get(Tiff.PLANAR_CONFIGURATION, 1) == 2
    if bits < (32 if value_range is None else 16) and max(tags.get(Tiff.SAMPLEFORMAT, (1,))) == 2:
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


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode == "La":
        values = np.asarray(picture)
        return np.repeat(unmultiplied(values[:, :, :1], values[:, :, 1:]), 3, axis=2)
    if picture.mode == "P" and "transparency" in picture.info:
        # Straight to RGB, Pillow warns about the transparency that is dropped on purpose here.
        picture = picture.convert("RGBA")
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"), dtype=np.uint8)


def orientation_of(picture: Image.Image, name: str) -> int:
    """Returns the EXIF orientation of an image, 1 where it has none or one that is damaged."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:
        # The pixels are whole; viewers show such a picture as it is stored, and so does zoo.
        _LOG.warning("%s: its EXIF orientation is damaged and not used (%s)", name, printable(str(error)))
        return 1

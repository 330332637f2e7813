"""A PIL image -> its values of more than 8 bits a channel; of colours Pillow itself gives the high byte alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import TiffImagePlugin as Tiff
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile

from zoo.errors import DecodeError
from zoo.message import Message
from zoo.picture.jpeg2000 import Jpeg2000
from zoo.picture.levels import WideValues

# How Pillow unpacks colours of 16 bits, and of which of them it can unpack the other byte; of planes, one at a time.
_COLOURS = re.compile(r"(\w+);16[LBN]")
_BOTH_BYTES = ("RGB", "RGBA", "RGBX", "R", "G", "B", "A")
# The other byte: values of the machine's own order (N) begin with the low one, or the high one.
_OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}


def wide_values(picture: Image.Image, name: str, exact: bool) -> WideValues | None:
    """Returns the values of an image, which are decoded now if they were not yet.

    Args:
        picture: The image.
        name: What error messages call it.
        exact: Whether the high byte of each value is not enough.

    Returns:
        The values; None where they have 8 bits, or where only the high byte of each can be had and is enough.

    Raises:
        DecodeError: It is not enough.
        Exception: Whatever the parser raises where the file is damaged.
    """
    tiles: list[Any] = picture.tile if isinstance(picture, ImageFile) else []
    if isinstance(picture, PpmImageFile) and tiles:
        # Its decoder "ppm" scales what it reads; where white is 255 or 65535 nothing has to be scaled.
        white = int(tiles[0].args[-1]) if tiles[0].codec_name == "ppm" else 65535 if picture.mode == "I" else 255
        return _ppm_values(picture, white) if white > 255 else None
    if picture.mode.startswith("I;16"):
        bits, inverted = 16, False
        if isinstance(picture, TiffImageFile):
            # Unlike values of 8 bits, Pillow leaves those of 12 as low and those of white 0 as inverted as they are.
            bits = picture.tag_v2[Tiff.BITSPERSAMPLE][0]
            inverted = picture.tag_v2.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0) == 0
        values = np.asarray(picture).astype(np.uint16)
        if isinstance(picture, Jpeg2000):
            bits = picture.bits
            values >>= 16 - bits
        return WideValues(values, (1 << bits) - 1, inverted)
    if picture.mode in ("I", "F"):
        _check_order(picture, name, tiles)
        values = np.asarray(picture)
        unsigned = isinstance(picture, TiffImageFile) and max(picture.tag_v2.get(Tiff.SAMPLEFORMAT, (1,))) == 1
        return WideValues(values.view(np.uint32) if unsigned else values, 0)
    if isinstance(picture, (PngImageFile, TiffImageFile)) and tiles and _COLOURS.fullmatch(_raw_mode(tiles[0])):
        values = _colours(picture)
        if values is None and exact:
            raise DecodeError(
                "{name} has 16 bits a channel in a form ({form}) of which only the high byte is read. For a range both "
                "are needed.",
                "Save it as a PNG of 16 bits, or with: tiffcp -p contig -c zip old.tif new.tif",
                name=name,
                form=_raw_mode(tiles[0]),
            )
        return values
    return None


def _raw_mode(tile: Any) -> str:
    return tile.args if isinstance(tile.args, str) else str(tile.args[0])


def _check_order(picture: Image.Image, name: str, tiles: list[Any]) -> None:
    if any(tile.codec_name == "libtiff" and "B" in _raw_mode(tile) for tile in tiles):
        # Pillow takes what libtiff has put into the machine's order for the file's.
        raise DecodeError(
            "{name} has compressed values of mode {mode} in big-endian order, which Pillow reads wrongly.",
            "Save it with: tiffcp -c none old.tif new.tif",
            name=name,
            mode=picture.mode,
        )


def _ppm_values(picture: PpmImageFile, white: int) -> WideValues:
    bands, file = len(picture.getbands()), picture.fp
    assert file is not None
    file.seek(picture.tile[0].offset)
    length = picture.width * picture.height * bands * 2
    data = file.read(length)
    if len(data) < length:
        raise EOFError(Message("it breaks off before its end"))
    values = np.frombuffer(data, ">u2").reshape(picture.height, picture.width, bands).astype(np.uint16)
    return WideValues(values if bands == 3 else values[:, :, 0], white)


def _colours(picture: PngImageFile | TiffImageFile) -> WideValues | None:
    """Decodes colours of 16 bits twice: Pillow keeps the high byte of each, and in the other order the low one."""
    raw = _raw_mode(picture.tile[0])
    if isinstance(picture, PngImageFile) and picture.is_animated:
        return None
    if raw == "LA;16B":
        # As if they were channels: both bytes of grey, both of alpha.
        both = _decoded(picture, lambda _: "RGBA")
        return WideValues(both[:, :, 0].astype(np.uint16) << 8 | both[:, :, 1], 65535)
    planar = isinstance(picture, TiffImageFile) and picture.tag_v2.get(Tiff.PLANAR_CONFIGURATION, 1) == 2
    if raw[:-4] not in _BOTH_BYTES or (planar and picture.tile[0].codec_name == "libtiff"):
        return None
    low = _decoded(picture, lambda raw: raw[:-1] + _OTHER_ORDER[raw[-1]])
    high = np.asarray(picture)
    return WideValues(high[:, :, :3].astype(np.uint16) << 8 | low[:, :, :3], 65535)


def _decoded(picture: ImageFile, raw_mode: Callable[[str], str]) -> NDArray[np.uint8]:
    """Decodes a file once more, unpacked in another way."""
    assert picture.fp is not None
    picture.fp.seek(0)
    again = type(picture)(picture.fp)
    again.seek(picture.tell())
    again.tile = [
        tile._replace(args=(mode, *tile.args[1:]) if isinstance(tile.args, tuple) else mode)
        for tile in picture.tile
        for mode in [raw_mode(_raw_mode(tile))]
    ]
    return np.asarray(again)

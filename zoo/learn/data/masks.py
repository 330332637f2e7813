"""Mask files: one whole number a pixel, whatever the format stores it in."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps
from PIL import TiffImagePlugin as Tiff
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from zoo.errors import DatasetError, DecodeError
from zoo.message import Message, printable
from zoo.picture.image import most_pixels, open_picture
from zoo.picture.opening import check_size, open_regular
from zoo.picture.rgb import orientation_of

# Others may change the values.
_FORMATS = ("PNG", "TIFF", "BMP", "GIF")
# Compressions of TIFF that do.
_LOSSY = ("jpeg", "tiff_jpeg", "webp")
#: Why a mask in colours is refused.
IN_COLOURS = Message("it is in colours, and nothing says which class a colour is")
_EXPECTED = Message("A mask is a PNG, TIFF, BMP or GIF file whose pixels hold class values.")
# What Pillow multiplies grey values of so many bits by.
_WIDENED = {2: 85, 4: 17}


def read_mask(path: str | os.PathLike[str], max_pixels: int | None = None) -> NDArray[np.uint8 | np.uint16]:
    """Reads a mask: a picture file of one channel whose pixel values, or palette indices, are class values.

    1 to 16 bits a pixel; also RGB whose channels are equal, and alpha that is full everywhere. A mask that is turned by
    an EXIF orientation of its own is turned as pictures are.

    Args:
        path: The file.
        max_pixels: Larger masks are refused; by default as pictures.

    Returns:
        (H, W), uint8 if the values fit, otherwise uint16.

    Raises:
        DatasetError: The file is not such a picture.
    """
    return read_turned_mask(path, max_pixels)[0]


def read_turned_mask(
    path: str | os.PathLike[str], max_pixels: int | None = None
) -> tuple[NDArray[np.uint8 | np.uint16], int]:
    """Reads a mask as `read_mask` does, and returns the EXIF orientation too that it was turned by, 1 for none."""
    name = printable(path)
    try:
        limit = most_pixels(max_pixels)
        with open_regular(path) as file, open_picture(file, name, limit) as picture:
            check_size(picture.height, picture.width, name, limit)
            _check_exact(picture)
            bits = _bits(file, picture)
            picture.load()
            orientation = orientation_of(picture, name)
            values = _values(np.asarray(ImageOps.exif_transpose(picture)), picture.mode, bits)
    except Exception as error:
        # Pillow's parsers raise whatever goes wrong first.
        reason = error.message if isinstance(error, DecodeError) else str(error) or type(error).__name__
        raise DatasetError(
            "The mask {path} cannot be read: {reason}. {expected}",
            "Check the path in the list file, or save the mask with one channel that holds the class value of every "
            "pixel.",
            path=path,
            reason=reason,
            expected=_EXPECTED,
        ) from error
    kind = np.uint8 if not values.size or values.dtype == np.uint8 or values.max() < 256 else np.uint16
    return values.astype(kind, copy=False), orientation


def _check_exact(picture: ImageFile) -> None:
    """Refuses a file whose pixels may differ from those that were saved, or that holds several pictures."""
    if picture.format not in _FORMATS or picture.info.get("compression") in _LOSSY:
        raise ValueError(Message("it is a {format} file, which may change the values", format=picture.format))
    count = int(getattr(picture, "n_frames", 1))
    if count > 1:
        raise ValueError(Message("it holds {count} pictures, and nothing says which is the mask", count=count))


def _bits(file: BinaryIO, picture: ImageFile) -> int:
    """Returns how many bits a channel has in the file; 8 for formats whose values Pillow leaves as they are."""
    if isinstance(picture, TiffImageFile):
        return int(max(picture.tag_v2.get(Tiff.BITSPERSAMPLE, (1,))))
    if picture.format != "PNG":
        return 8
    place = file.tell()
    file.seek(24)
    bits = file.read(1)[0]
    file.seek(place)
    return bits


def _values(pixels: NDArray[Any], mode: str, bits: int) -> NDArray[np.integer]:
    """Returns the values (H, W) of decoded pixels."""
    if mode not in ("1", "L", "P", "I", "LA", "PA", "RGB", "RGBA") and not mode.startswith("I;16"):
        raise ValueError(Message("it has pixel mode {mode}", mode=mode))
    if pixels.ndim == 3:
        if bits > 8:
            # Of those Pillow keeps the upper 8.
            raise ValueError(Message("it has {count} channels of {bits} bits", count=pixels.shape[2], bits=bits))
        if mode.endswith("A"):
            if (pixels[:, :, -1] != 255).any():
                raise ValueError(Message("it is transparent in places"))
            pixels = pixels[:, :, :-1]
        for other in range(1, pixels.shape[2]):
            if (pixels[:, :, other] != pixels[:, :, 0]).any():
                raise ValueError(IN_COLOURS)
        return pixels[:, :, 0]
    if mode == "L" and bits in _WIDENED:
        return pixels // _WIDENED[bits]
    if mode == "I" and (pixels.min() < 0 or pixels.max() > 65535):
        raise ValueError(
            Message("it has values from {low} to {high}; 0 to 65535 are possible", low=pixels.min(), high=pixels.max())
        )
    return pixels.astype(np.uint8) if mode == "1" else pixels

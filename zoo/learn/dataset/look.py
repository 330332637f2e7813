"""One look at a labelled picture: what its two files hold, or why they cannot be read. Runs in processes of its own."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.labels import Color
from zoo.errors import DatasetError, ZooError
from zoo.learn.data.masks import IN_COLOURS, read_turned_mask
from zoo.learn.data.samples import Sample
from zoo.message import Message, described, printable
from zoo.picture.image import most_pixels, open_picture, read_image, read_orientation
from zoo.picture.opening import check_size, open_regular
from zoo.picture.rgb import orientation_of, to_rgb, turned

#: Side of the grey thumbnail that a picture is known by.
SIDE = 32
# Formats that hold one picture, of 8 bits where the mode is RGB or L.
_SIMPLE = ("JPEG", "PNG", "BMP")
_BLOCK, _HEAD = 1 << 20, 64
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)
# Masks with more colours are photographs.
_MOST_COLOURS = 1000


@dataclass(frozen=True, slots=True)
class ImageLook:
    """What a picture file holds.

    Attributes:
        fault: Why it cannot be read; empty where it can.
        size: Height and width as it is seen.
        orientation: EXIF orientation that it is turned by; 1 for none.
        digest: SHA-256 of the file.
        thumbnail: (32, 32) grey, uint8, as bytes.
        plain: Whether it is RGB or grey of 8 bits, all of which a PNG of that kind keeps.
    """

    fault: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    digest: bytes = b""
    thumbnail: bytes = b""
    plain: bool = False


@dataclass(frozen=True, slots=True)
class MaskLook:
    """What a mask file holds.

    Attributes:
        fault: Why it cannot be read, or is none; empty where it is one.
        size: Height and width as it is seen.
        orientation: EXIF orientation that it is turned by; 1 for none.
        digest: SHA-256 of its values.
        counts: Pixels by mask value.
        colours: Pixels by colour, where it is in colours and has a fault.
    """

    fault: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    digest: bytes = b""
    counts: Mapping[int, int] = field(default_factory=dict[int, int])
    colours: Mapping[Color, int] = field(default_factory=dict[Color, int])


def look(sample: Sample) -> tuple[ImageLook, MaskLook]:
    """Reads both files whole; whatever is wrong with them is in what it returns."""
    return image_look(sample.image), _mask(sample.mask)


def image_look(path: Path) -> ImageLook:
    """Reads a picture file whole; whatever is wrong with it is in what is returned."""
    try:
        with open_regular(path) as file:
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
            return _decoded(file, printable(path.name), digest.digest())
    except ZooError as error:
        return ImageLook(_unreadable(path) or error.message)
    except Exception as error:  # whatever it is, the other files are looked at
        return ImageLook(_unreadable(path) or str(error) or described(error))


def _decoded(file: BinaryIO, name: str, digest: bytes) -> ImageLook:
    limit = most_pixels()
    with open_picture(file, name, limit) as picture:
        check_size(picture.height, picture.width, name, limit)
        orientation = orientation_of(picture, name)
        if picture.format not in _SIMPLE or picture.mode not in ("RGB", "L"):
            pixels = to_rgb(picture, name).pixels
            return ImageLook("", pixels.shape[:2], orientation, digest, _thumbnail(Image.fromarray(pixels)).tobytes())
        # The most pictures by far: nothing is lost by not making them arrays, and a third of the time is saved.
        picture.load()
        small = np.asarray(_thumbnail(picture))
        small = turned(small, orientation) if 2 <= orientation <= 8 else small
        size = (picture.width, picture.height) if 5 <= orientation <= 8 else (picture.height, picture.width)
        return ImageLook("", size, orientation, digest, small.tobytes(), True)


def pixels_look(pixels: NDArray[np.uint8]) -> ImageLook:
    """Returns what a picture is known by, of its (H, W, 3) pixels; it has no digest of a file."""
    return ImageLook("", pixels.shape[:2], thumbnail=_thumbnail(Image.fromarray(pixels)).tobytes())


def _thumbnail(picture: Image.Image) -> Image.Image:
    return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("L")


def _mask(path: Path) -> MaskLook:
    try:
        values, orientation = read_turned_mask(path)
    except DatasetError as error:
        reason = error.values["reason"]
        if isinstance(reason, Message) and reason.template == IN_COLOURS:
            return _in_colours(path, reason)
        return MaskLook(_unreadable(path) or reason)
    except Exception as error:
        return MaskLook(_unreadable(path) or str(error) or described(error))
    digest = hashlib.sha256(np.ascontiguousarray(values).data).digest()
    return MaskLook("", values.shape, orientation, digest, _counts(values))


def _counts(values: NDArray[np.uint8 | np.uint16]) -> dict[int, int]:
    # Pillow counts bytes several times faster than numpy.
    counts = np.array(Image.fromarray(values).histogram()) if values.dtype == np.uint8 else np.bincount(values.ravel())
    found = np.flatnonzero(counts)
    return dict(zip(found.tolist(), counts[found].tolist(), strict=True))


def _in_colours(path: Path, reason: str) -> MaskLook:
    pixels = read_image(path)
    colours, counts = np.unique(packed(pixels), return_counts=True)
    listed = list(zip(colours.tolist(), counts.tolist(), strict=True))[:_MOST_COLOURS]
    return MaskLook(
        reason,
        pixels.shape[:2],
        read_orientation(path),
        colours={(number >> 16, number >> 8 & 255, number & 255): count for number, count in listed},
    )


def packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Returns colours (..., 3) as one number each."""
    return pixels.astype(np.uint32) @ np.array((1 << 16, 1 << 8, 1), np.uint32)


def _unreadable(path: Path) -> str:
    """Says why a file is no picture at all, where that can be said more plainly than by a decoder."""
    try:
        found = os.stat(path)
        if path.is_dir():
            return Message("it is a folder")
        if path.is_file():
            if not found.st_size:
                return Message("it is empty")
            with path.open("rb") as file:
                if _HTML.match(file.read(_HEAD)):
                    return Message("it is an HTML page, as a server sends in place of a picture that it has not")
    except OSError as error:
        return error.strerror or str(error)
    return ""

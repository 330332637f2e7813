"""Mask files as the classes they stand for: by values, or by colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import Color
from zoo.errors import DatasetError, DecodeError
from zoo.learn.annotations.annotated import Drawn
from zoo.learn.annotations.wanted import IGNORE_INDEX
from zoo.learn.data import read_mask
from zoo.message import Message, printable
from zoo.picture.image import most_pixels, open_picture
from zoo.picture.opening import check_size, open_regular

#: How many values a mask of 16 bits can hold.
_VALUES = 65536
_NO_CLASS = -1


def meaning_table(classes: Mapping[int, int], ignored: Iterable[int] = ()) -> NDArray[np.int16]:
    """Returns the table (65536,) of what becomes of mask values.

    Args:
        classes: New value by old one.
        ignored: Values that are no class.
    """
    table = np.full(_VALUES, _NO_CLASS, np.int16)
    table[list(ignored)] = IGNORE_INDEX
    for old, new in classes.items():
        table[old] = new
    return table


def draw_values(path: Path, table: NDArray[np.int16], size: tuple[int, int]) -> Drawn:
    """Reads a mask file whose values a table explains.

    Raises:
        DatasetError: It cannot be read, is of another size, or has a value without a meaning.
    """
    mask = read_mask(path)
    _check(path, mask.shape, size)
    values = table[mask]
    if (values == _NO_CLASS).any():
        raise _unknown(path, mask, values == _NO_CLASS, Message("the value {value}", value=_first(mask, values)))
    return Drawn(values.astype(np.uint8))


def draw_colours(path: Path, colours: Mapping[Color, int], size: tuple[int, int]) -> Drawn:
    """Reads a mask file in colours, in a palette or a pixel, by their exact values.

    Args:
        path: The file, of a format that does not change values.
        colours: Value of each colour.
        size: (height, width) that it must have.

    Raises:
        DatasetError: It cannot be read, is of another size, or has a colour that stands for nothing.
    """
    rgb = _read_colours(path)
    _check(path, rgb.shape[:2], size)
    codes = (rgb[..., 0].astype(np.int32) << 16) | (rgb[..., 1].astype(np.int32) << 8) | rgb[..., 2]
    found, places = np.unique(codes, return_inverse=True)
    known = {(red << 16) | (green << 8) | blue: value for (red, green, blue), value in colours.items()}
    values = np.array([known.get(code, _NO_CLASS) for code in found.tolist()], np.int16)[places].reshape(codes.shape)
    if (values == _NO_CLASS).any():
        code = int(codes[values == _NO_CLASS][0])
        colour = Message("the colour {red},{green},{blue}", red=code >> 16, green=code >> 8 & 255, blue=code & 255)
        raise _unknown(path, codes, values == _NO_CLASS, colour)
    return Drawn(values.astype(np.uint8))


def _read_colours(path: Path) -> NDArray[np.uint8]:
    name = printable(path)
    try:
        with open_regular(path) as file, open_picture(file, name, most_pixels()) as picture:
            check_size(picture.height, picture.width, name, most_pixels())
            if picture.format not in ("PNG", "TIFF", "BMP", "GIF"):
                raise ValueError(Message("it is a {format} file, which may change the values", format=picture.format))
            if picture.mode == "RGBA" and np.asarray(picture.getchannel("A")).min() < 255:
                raise ValueError(Message("it is transparent in places"))
            return np.asarray(picture.convert("RGB"))
    except Exception as error:
        # Pillow's parsers raise whatever goes wrong first.
        reason = error.message if isinstance(error, DecodeError) else str(error) or type(error).__name__
        raise DatasetError(
            "The mask {path} cannot be read: {reason}.",
            "Save it as PNG in exact colours, without smoothed edges.",
            path=path,
            reason=reason,
        ) from error


def _check(path: Path, shape: tuple[int, ...], size: tuple[int, int]) -> None:
    if shape != size:
        raise DatasetError(
            "The mask {path} is {height}x{width}, and its picture {real_height}x{real_width}.",
            "Annotate the picture again at its own size, or take the pair out.",
            path=path,
            height=shape[0],
            width=shape[1],
            real_height=size[0],
            real_width=size[1],
        )


def _first(mask: NDArray[np.integer], values: NDArray[np.int16]) -> int:
    return int(mask[values == _NO_CLASS][0])


def _unknown(path: Path, mask: NDArray[np.integer], wrong: NDArray[np.bool_], what: str) -> DatasetError:
    y, x = (int(place[0]) for place in np.nonzero(wrong))
    return DatasetError(
        "The mask {path} has {what} at x {x}, y {y}, which stands for no class; so {count} of its pixels, of {kinds} "
        "such values.",
        "Name it in the palette or the labels. Smoothed edges must be drawn again without smoothing.",
        path=path,
        what=what,
        x=x,
        y=y,
        count=int(wrong.sum()),
        kinds=len(np.unique(mask[wrong])),
    )

"""Arrays of the caller's -> RGB uint8."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError, UnsupportedSourceError
from zoo.message import Message
from zoo.picture.levels import WideValues, to_levels
from zoo.picture.rgb import Picture
from zoo.picture.sources.options import SourceOptions

_EXPECTED = Message(
    "Shape (height, width) or (height, width, 1, 3 or 4) and dtype uint8, uint16, bool or float from 0 "
    "to 1 were expected, or any numbers with a range."
)


def to_pixels(array: NDArray[Any], name: str, options: SourceOptions) -> Picture:
    """Brings an array of any memory layout to RGB; it is not modified.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): grey, colour, or colour and alpha, which is dropped. Of uint8;
            of uint16, whose high byte counts; of bool; or of float from 0 to 1, rounded to the nearest of 256 steps.
            With a range, of any numbers: those of more than 8 bits follow it.
        name: What error messages call it.
        options: The order of its channels, and the range.

    Returns:
        The picture; its pixels are the array itself where it is that already.

    Raises:
        UnsupportedSourceError: Another shape, dtype or range of values.
        DecodeError: The result needs more memory than there is.
    """
    ranged = options.value_range is not None
    fixes = [fix for fix in (_shape_fix(array), _dtype_fix(array, ranged)) if fix]
    if not fixes:
        # Subclasses may index otherwise; a matrix has no third axis.
        plain = np.asarray(array)
        channels = plain[:, :, :3] if plain.ndim == 3 else plain[:, :, None]
        fixes = [fix for fix in (_value_fix(channels, ranged),) if fix]
        if not fixes:
            try:
                return _convert(channels if options.color == "rgb" else channels[:, :, ::-1], options)
            except MemoryError as error:
                raise DecodeError(
                    "{facts}, for which there is not enough memory.",
                    "Make it smaller, or free some.",
                    facts=_facts(array, name),
                ) from error
    raise UnsupportedSourceError(
        "{facts}. {expected}", "{fixes:; then }.", facts=_facts(array, name), expected=_EXPECTED, fixes=fixes
    )


def _convert(channels: NDArray[Any], options: SourceOptions) -> Picture:
    kind, note = channels.dtype.kind, ""
    if kind == "b":
        channels = channels.astype(np.uint8) * np.uint8(255)
    elif kind == "f" and options.value_range is None:
        channels = np.rint(np.multiply(channels, 255, dtype=np.result_type(channels.dtype, np.float32)))
    elif channels.dtype != np.uint8:
        channels, note = to_levels(WideValues(channels, 65535), options.value_range)
    if channels.shape[2] == 1:
        channels = np.repeat(channels, 3, axis=2)
    return Picture(np.ascontiguousarray(channels, dtype=np.uint8), note)


def _facts(array: NDArray[Any], name: str) -> str:
    facts = Message(
        "{name} is an array of shape {shape} and dtype {dtype}", name=name, shape=array.shape, dtype=array.dtype
    )
    if array.dtype.kind == "f" and array.size:
        if strange := int(np.size(array) - np.isfinite(array).sum()):
            return Message("{facts} with {count} NaN or infinite values", facts=facts, count=strange)
        return Message(
            "{facts} with values from {lowest:g} to {highest:g}", facts=facts, lowest=array.min(), highest=array.max()
        )
    return facts


def _shape_fix(array: NDArray[Any]) -> str:
    shape = array.shape
    if not array.size:
        return Message("Check how it was cut: it has no pixels")
    if array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 3, 4)):
        return ""
    if array.ndim == 4 and shape[3] in (1, 3, 4):
        return Message("Pass a batch as list(array)")
    if array.ndim == 3 and shape[0] in (1, 3, 4):
        return Message("Put the channels last: array.transpose(1, 2, 0)")
    return Message("Bring it to (height, width, 3)")


def _dtype_fix(array: NDArray[Any], ranged: bool) -> str:
    if isinstance(array, np.ma.MaskedArray):
        return Message("Say what stands in place of the masked values: array.filled(0)")
    if array.dtype.kind in "fb" or (array.dtype.kind == "u" and array.dtype.itemsize <= 2):
        return ""
    if array.dtype.kind in "iu":
        if ranged:
            return ""
        return Message(
            "Bring the values to 0..255 and convert: array.astype(np.uint8), or say which are black and white: "
            "value_range=(LOW, HIGH)"
        )
    return Message("Convert the pixels to numbers of dtype np.uint8")


def _value_fix(channels: NDArray[Any], ranged: bool) -> str:
    if channels.dtype.kind != "f":
        return ""
    if not np.isfinite(channels).all():
        return Message("Put numbers in their place: np.nan_to_num(array, nan=0, posinf=1, neginf=0)")
    low, high = channels.min(), channels.max()
    if ranged or (low >= 0 and high <= 1):
        return ""
    if low >= 0 and high <= 255:
        return Message("If they run from 0 to 255, convert them: array.round().astype(np.uint8)")
    return Message(
        "Bring them to 0..1, for example: np.clip(array, 0, 1), or say which are black and white: "
        "value_range=(LOW, HIGH)"
    )

"""Run lengths of COCO and of CVAT, decoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.message import Message


def read_lengths(text: str) -> list[int]:
    """Reads the text of COCO's compressed run lengths.

    Each is written in digits of five bits, lowest first, as characters from "0" on; from the fourth on it is the
    difference to the last but one.

    Raises:
        ValueError: It is none; a `Message`.
    """
    lengths: list[int] = []
    value = shift = 0
    for sign in text:
        digit = ord(sign) - 48
        if not 0 <= digit < 64 or shift > 50:
            raise ValueError(Message("has run lengths that are no text of COCO"))
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError(Message("has run lengths that end within a number"))
    return lengths


def fill_runs(lengths: Sequence[object], lines: int, length: int) -> NDArray[np.bool_]:
    """Returns what alternating runs of false and true fill, (lines, length), line after line.

    Raises:
        ValueError: They do not make so many pixels; a `Message`.
    """
    counts = [count for count in lengths if isinstance(count, int) and 0 <= count <= lines * length]
    if len(counts) != len(lengths):
        raise ValueError(Message("has run lengths that are no numbers of pixels"))
    if sum(counts) != lines * length:
        raise ValueError(
            Message(
                "has run lengths of {count} pixels in all; {expected} were expected",
                count=sum(counts),
                expected=lines * length,
            )
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(lines, length)

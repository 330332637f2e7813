"""Which classes a mask holds: their names, colours and areas."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.labels import Color, LabelSet, distinct_palette

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ClassArea:
    """One class of one mask.

    Attributes:
        value: Its value in the mask.
        name: Unique within the mask.
        color: RGB, 0..255.
        pixels: How many pixels have it, at least 1.
        share: Fraction of the picture.
    """

    value: int
    name: str
    color: Color
    pixels: int
    share: float


def classes_in(mask: NDArray[np.uint8 | np.uint16], labels: LabelSet) -> tuple[ClassArea, ...]:
    """Measures the classes that occur.

    Args:
        mask: (H, W) class values; values outside the label set are possible.
        labels: The classes it was predicted with.

    Returns:
        The classes, largest first and by value where areas are equal.
    """
    counts = np.zeros(np.iinfo(mask.dtype).max + 1, dtype=np.int64)
    flat = mask.reshape(-1)
    # In blocks, because bincount makes a 64-bit copy of what it counts.
    for start in range(0, flat.size, _BLOCK):
        counts += np.bincount(flat[start : start + _BLOCK], minlength=counts.size)
    values = [int(value) for value in np.flatnonzero(counts)]
    names = class_names(labels, values)
    colors = color_table(labels, counts.size)
    areas = [
        ClassArea(value, name, _color(colors, value), pixels := int(counts[value]), pixels / mask.size)
        for value, name in zip(values, names, strict=True)
    ]
    return tuple(sorted(areas, key=lambda area: (-area.pixels, area.value)))


def class_names(labels: LabelSet, values: list[int]) -> list[str]:
    """Names mask values, each differently.

    A name that occurs twice in the label set is followed by its value, "screen (130)". A value without a name is
    "class 57", or "ignored" when it is the label set's ignore index.
    """
    counts = Counter(labels.names)
    taken: set[str] = set()
    names: list[str] = []
    for value in values:
        if value < len(labels):
            name, repeated = labels.names[value], counts[labels.names[value]] > 1
        else:
            name = "ignored" if value == labels.ignore_index else f"class {value}"
            repeated = name in counts
        if repeated:
            name = f"{name} ({value})"
        while name in taken:
            name = f"{name} ({value})"
        taken.add(name)
        names.append(name)
    return names


@lru_cache(maxsize=8)
def color_table(labels: LabelSet, size: int) -> NDArray[np.uint8]:
    """Returns the colours of the mask values 0..size-1, (size, 3) RGB, read-only.

    Values without a class, the ignore index among them, take the colour `distinct_palette` gives their number.
    """
    table = np.array(distinct_palette(size), dtype=np.uint8)
    table[: len(labels)] = labels.palette
    table.setflags(write=False)
    return table


def _color(table: NDArray[np.uint8], value: int) -> Color:
    red, green, blue = (int(channel) for channel in table[value])
    return red, green, blue

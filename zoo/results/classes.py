"""Which classes a mask holds: their names, colours, areas and scores."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import Color, LabelSet

#: Name of the ignore index: pixels without a class.
UNKNOWN = "unknown"

_BLOCK = 1 << 20
_NUMBERED = re.compile(r"class (\d{1,5})")


@dataclass(frozen=True, slots=True)
class ClassArea:
    """One class of one mask.

    Attributes:
        value: Its value in the mask.
        name: Unique within the mask.
        color: RGB, 0..255.
        pixels: How many pixels have it, at least 1.
        share: Fraction of the picture.
        score: Mean score of its pixels, 0..1; None if the result has no scores.
    """

    value: int
    name: str
    color: Color
    pixels: int
    share: float
    score: float | None = None


def classes_in(
    mask: NDArray[np.uint8 | np.uint16], labels: LabelSet, scores: NDArray[np.float32] | None = None
) -> tuple[ClassArea, ...]:
    """Measures the classes that occur.

    Args:
        mask: (H, W) class values; values outside the label set are possible.
        labels: The classes it was predicted with.
        scores: (H, W) scores of the pixels.

    Returns:
        The classes, largest first and by value where areas are equal.
    """
    counts = np.zeros(np.iinfo(mask.dtype).max + 1, dtype=np.int64)
    sums = np.zeros(counts.size, dtype=np.float64)
    flat = mask.reshape(-1)
    weights = None if scores is None else scores.reshape(-1)
    # In blocks, because bincount makes 64-bit copies of what it counts.
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        counts += np.bincount(block, minlength=counts.size)
        if weights is not None:
            sums += np.bincount(block, weights[start : start + _BLOCK], minlength=counts.size)
    values = [int(value) for value in np.flatnonzero(counts)]
    colors = color_table(labels, counts.size)
    areas = [
        ClassArea(
            value,
            name,
            _color(colors, value),
            pixels := int(counts[value]),
            pixels / mask.size,
            # Rounding may carry a mean of ones above 1.
            None if weights is None else min(1.0, float(sums[value]) / pixels),
        )
        for value, name in zip(values, class_names(labels, values), strict=True)
    ]
    return tuple(sorted(areas, key=lambda area: (-area.pixels, area.value)))


def class_names(labels: LabelSet, values: Sequence[int]) -> list[str]:
    """Names mask values, each differently and the same in every mask.

    A name that occurs twice in the label set is followed by its value, "screen (130)". A value without a name is
    "class 57", or "unknown" when it is the label set's ignore index.
    """
    known = _known_names(labels)
    return [known[value] if value < len(known) else _other_name(labels, value) for value in values]


def unknown_value(labels: LabelSet) -> int | None:
    """Returns the value of pixels without a class; None where the ignore index is a class of its own."""
    return labels.ignore_index if labels.ignore_index >= len(labels) else None


def class_value(labels: LabelSet, name: str) -> int | None:
    """Returns the value that `class_names` gives this name, or None."""
    known = _known_names(labels)
    if name in known:
        return known.index(name)
    candidates = [labels.ignore_index]
    if match := _NUMBERED.match(name):
        candidates.append(int(match[1]))
    return next((value for value in candidates if value >= len(known) and _other_name(labels, value) == name), None)


@lru_cache(maxsize=8)
def _known_names(labels: LabelSet) -> tuple[str, ...]:
    counts = Counter(labels.names)
    taken: set[str] = set()
    names: list[str] = []
    for value, plain in enumerate(labels.names):
        name = f"{plain} ({value})" if counts[plain] > 1 else plain
        while name in taken:
            name = f"{name} ({value})"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _other_name(labels: LabelSet, value: int) -> str:
    name = UNKNOWN if value == labels.ignore_index else f"class {value}"
    while name in _known_names(labels):
        name = f"{name} ({value})"
    return name


@lru_cache(maxsize=8)
def color_table(labels: LabelSet, size: int) -> NDArray[np.uint8]:
    """Returns the colours of the mask values 0..size-1, (size, 3) RGB, read-only.

    Values without a class, the ignore index among them, take the colour `distinct_palette` gives their number.
    """
    values = np.arange(size)[:, None]
    table = np.zeros((size, 3), dtype=np.uint8)
    # The construction of `distinct_palette`, which would take 0.3 s for the 65536 values of a 16-bit mask.
    for bit in range(8):
        table |= (((values >> (3 * bit + np.arange(3))) & 1) << (7 - bit)).astype(np.uint8)
    table[: len(labels)] = labels.palette
    table.setflags(write=False)
    return table


def _color(table: NDArray[np.uint8], value: int) -> Color:
    red, green, blue = (int(channel) for channel in table[value])
    return red, green, blue

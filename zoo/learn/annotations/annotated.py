"""What is found in a folder of annotations: pictures, each with a way to its mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet

#: (H, W) class values, 255 where there is none.
Mask: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mask, and what was done for it.

    Attributes:
        mask: (H, W).
        shapes: How many shapes of a class were drawn, by its value; empty where there are only masks.
        dropped: How many of what was left out, by what it is and why.
        rules: How many of what was drawn by which rule.
    """

    mask: Mask
    shapes: Counter[int] = field(default_factory=Counter[int])
    dropped: Counter[str] = field(default_factory=Counter[str])
    rules: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class Annotated:
    """A picture with annotations.

    Attributes:
        name: Its path in the new folder's `images/`, without a suffix.
        picture: Its file; or what returns its content, where that is inside the annotations.
        origin: The file of the annotations.
        draw: Returns its mask for a picture of (height, width). Raises a `ZooError` that names file and line.
        size: (height, width) that the annotations say; None where they say none.
        split: "train", "val" or "test" where the annotations part their pictures.
    """

    name: str
    picture: Path | Callable[[], bytes]
    origin: Path
    draw: Callable[[tuple[int, int]], Drawn]
    size: tuple[int, int] | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Annotations that can be drawn.

    Attributes:
        labels: The classes, with 255 as ignore index.
        pictures: In the order of their names.
        dropped: How many of what is left out before anything is drawn, by what it is and why.
        rules: What was decided for all of them.
    """

    labels: LabelSet
    pictures: tuple[Annotated, ...]
    dropped: Counter[str] = field(default_factory=Counter[str])
    rules: tuple[str, ...] = ()

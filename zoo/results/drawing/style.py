"""How the classes are drawn over a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass

from zoo.results.drawing.draw import OPACITY


@dataclass(frozen=True, slots=True)
class Style:
    """How the classes are drawn over a picture; see `Segmented.overlay`.

    Attributes:
        opacity: Weight of the class colours.
        legend: Whether there is a panel with the classes.
        outline: Whether the regions have edges.
        names: Whether large regions have their names in them.
        font: A font file for the letters.
    """

    opacity: float = OPACITY
    legend: bool = True
    outline: bool = True
    names: bool = False
    font: str | os.PathLike[str] | None = None

"""How the classes are drawn over a picture."""

from __future__ import annotations

import numbers
import os
from dataclasses import dataclass

from zoo.errors import OutputError
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

    Raises:
        OutputError: The opacity is no number from 0 to 1, or one of the next three neither True nor False.
    """

    opacity: float = OPACITY
    legend: bool = True
    outline: bool = True
    names: bool = False
    font: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        opacity: object = self.opacity
        number = not isinstance(opacity, bool) and isinstance(opacity, numbers.Real)
        if not (number and 0 <= self.opacity <= 1):
            raise OutputError(
                "The opacity is {opacity!r}. A number from 0 to 1 was expected.",
                "Use opacity=0.5",
                opacity=self.opacity,
            )
        for name in ("legend", "outline", "names"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise OutputError(
                    "{name} is {value!r}. True or False was expected.", "Use {name}=True", name=name, value=value
                )

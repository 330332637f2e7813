"""A picture with its label map, and the pictures that are drawn of both."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.results.classes import ClassArea, classes_in, color_table, unknown_value
from zoo.results.drawing.captions import write_names
from zoo.results.drawing.draw import OPACITY, blend, colorize
from zoo.results.drawing.font import lettering
from zoo.results.drawing.legend import PAPER, add_legend
from zoo.results.drawing.show import show_picture
from zoo.results.drawing.style import Style

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, eq=False)
class Segmented:
    """A picture with its label map.

    Attributes:
        mask: (H, W) class values, uint8 or uint16.
        labels: What the values mean.
        image: (H, W, 3) RGB uint8.
    """

    mask: NDArray[np.uint8 | np.uint16] = field(repr=False)
    labels: LabelSet = field(repr=False)
    image: NDArray[np.uint8] = field(repr=False)

    def overlay(
        self,
        opacity: float = OPACITY,
        legend: bool = True,
        *,
        outline: bool = True,
        names: bool = False,
        font: str | os.PathLike[str] | None = None,
    ) -> NDArray[np.uint8]:
        """Draws the classes over the picture. Pixels of *unknown* stay as they are.

        Args:
            opacity: Weight of the class colours: 0 shows the picture, 1 the colours alone.
            legend: Add a panel with the classes that occur, beside or below the picture, which stays in the upper
                left corner.
            outline: Draw the edges of the regions.
            names: Write the names of the classes into their large regions.
            font: A font file for the letters; by default Pillow's own or, where that lacks some, one of the system.
                Names that no font has letters for are "class 7", after their values.

        Returns:
            RGB picture: (H, W, 3), or larger with the legend.

        Raises:
            OutputError: The opacity is not within 0 to 1, or the font cannot be read.
        """
        return self._overlay(Style(opacity, legend, outline, names, font))

    def side(
        self,
        opacity: float = OPACITY,
        legend: bool = True,
        *,
        outline: bool = True,
        names: bool = False,
        font: str | os.PathLike[str] | None = None,
    ) -> NDArray[np.uint8]:
        """Draws the picture and, at its right, the overlay: (H, 2 W, 3) RGB, or larger with the legend.

        Raises:
            OutputError: As in `overlay`.
        """
        style = Style(opacity, legend, outline, names, font)
        both = np.concatenate((self.image, self._drawn(style)), axis=1)
        return self._with_legend(both, style, self._seen())

    def color(self, legend: bool = False, *, font: str | os.PathLike[str] | None = None) -> NDArray[np.uint8]:
        """Returns the mask in class colours: (H, W, 3) RGB, or larger with the legend.

        Raises:
            OutputError: The font cannot be read.
        """
        picture = colorize(self.mask, self.color_table())
        return self._with_legend(picture, Style(legend=legend, font=font), classes_in(self.mask, self.labels))

    def color_table(self) -> NDArray[np.uint8]:
        """Returns the colours of all values a mask of this type can have, (N, 3) RGB, read-only."""
        return color_table(self.labels, np.iinfo(self.mask.dtype).max + 1)

    def plot(
        self,
        opacity: float = OPACITY,
        legend: bool = True,
        *,
        outline: bool = True,
        names: bool = False,
        font: str | os.PathLike[str] | None = None,
    ) -> Image.Image:
        """Returns the overlay as a PIL image, which has `save` and `show` and which a notebook displays.

        Raises:
            OutputError: As in `overlay`.
        """
        return self._plot(Style(opacity, legend, outline, names, font))

    def show(
        self,
        opacity: float = OPACITY,
        legend: bool = True,
        *,
        outline: bool = True,
        names: bool = False,
        font: str | os.PathLike[str] | None = None,
    ) -> None:
        """Shows the overlay: in a notebook below the cell, elsewhere in the program that the system has for pictures.

        Raises:
            OutputError: As in `overlay`, or there is no such program.
        """
        show_picture(self._plot(Style(opacity, legend, outline, names, font)))

    def _overlay(self, style: Style) -> NDArray[np.uint8]:
        return self._with_legend(self._drawn(style), style, self._seen())

    def _plot(self, style: Style) -> Image.Image:
        from PIL import Image

        return Image.fromarray(self._overlay(style))

    def _drawn(self, style: Style) -> NDArray[np.uint8]:
        unknown = unknown_value(self.labels)
        picture = blend(
            self.image, self.mask, self.color_table(), style.opacity, outline=style.outline, unknown=unknown
        )
        if not style.names:
            return picture
        shown = {area.value: area.name for area in classes_in(self.mask, self.labels) if area.value != unknown}
        return write_names(picture, self.mask, lettering(shown, math.sqrt(self.mask.size) / 40, style.font))

    def _seen(self) -> Sequence[ClassArea]:
        # What is left as it is has no colour.
        unknown = unknown_value(self.labels)
        classes = classes_in(self.mask, self.labels)
        return [replace(area, color=PAPER) if area.value == unknown else area for area in classes]

    def _with_legend(self, picture: NDArray[np.uint8], style: Style, classes: Sequence[ClassArea]) -> NDArray[np.uint8]:
        return add_legend(picture, classes, style.font) if style.legend else picture

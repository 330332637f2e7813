"""A mask while it is drawn, shape after shape."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from zoo.learn.annotations.annotated import Drawn


class Canvas:
    """A mask and what was drawn on it.

    Args:
        size: (height, width).
        ground: Value of pixels that no shape covers.

    Attributes:
        size: As given.
        dropped: How many of what was left out, by what it is and why.
    """

    def __init__(self, size: tuple[int, int], ground: int) -> None:
        self.size = size
        self.dropped = Counter[str]()
        self._mask = np.full(size, ground, np.uint8)
        self._shapes, self._rules = Counter[int](), Counter[str]()

    def fill(self, inside: NDArray[np.bool_], value: int, rule: str) -> None:
        """Draws a shape (H, W) over those before it."""
        np.copyto(self._mask, value, where=inside)
        self._shapes[value] += 1
        self._rules[rule] += 1

    def fill_box(self, inside: NDArray[np.bool_], top: int, left: int, value: int, rule: str) -> None:
        """Draws a shape (h, w) whose first pixel has this place; what is outside of the picture is cut off."""
        height, width = self.size
        cut = inside[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
        whole = np.zeros(self.size, np.bool_)
        top, left = max(0, top), max(0, left)
        whole[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
        self.fill(whole, value, rule)

    def drawn(self) -> Drawn:
        """Returns the mask and what was done."""
        return Drawn(self._mask, self._shapes, self.dropped, self._rules)

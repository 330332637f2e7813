"""What a caller may say of a conversion."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.picture.sources import Source


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """How a program is converted to another format.

    Attributes:
        half: Whether weights are stored in float16. What they are multiplied with stays float32.
        size: The only (height, width) of the input; None for what the program takes, or any.
        pictures: Pictures on which a format of an edge runtime is compared with the network, not an iterator; None for
            a made-up one.
        least: Smallest share of pixels whose class stays the same; None for what is usual for the format.
    """

    half: bool = False
    size: tuple[int, int] | None = None
    pictures: Source | None = None
    least: float | None = None

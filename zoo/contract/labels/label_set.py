"""A label set: what the values of a mask mean."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.message import Message

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Class names and colours in the order of their values.

    Attributes:
        name: Short name, such as "cityscapes".
        names: One name a class.
        palette: One RGB colour a class, 0..255.
        ignore_index: Mask value of pixels without a class.
    """

    name: str
    names: tuple[str, ...]
    palette: tuple[Color, ...]
    ignore_index: int = 255

    def __post_init__(self) -> None:
        if len(self.names) != len(self.palette):
            raise ValueError(
                Message(
                    "label set {name!r} has {count} names but {palette_count} colours",
                    name=self.name,
                    count=len(self.names),
                    palette_count=len(self.palette),
                )
            )
        if not 1 <= len(self.names) <= 256:
            raise ValueError(
                Message(
                    "label set {name!r} has {count} classes; 1 to 256 are possible",
                    name=self.name,
                    count=len(self.names),
                )
            )

    def __len__(self) -> int:
        return len(self.names)


def distinct_palette(count: int) -> tuple[Color, ...]:
    """Returns `count` colours, the construction of the PASCAL VOC colour map: the bits of a class value are dealt to
    the channels in turn, most significant bits first. Class 0 is black.
    """
    palette: list[Color] = []
    for value in range(count):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= ((value >> (3 * bit + channel)) & 1) << (7 - bit)
        palette.append((channels[0], channels[1], channels[2]))
    return tuple(palette)

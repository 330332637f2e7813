"""JPEG 2000: how many bits its channels have, which Pillow does not say and of colours does not keep."""

from __future__ import annotations

import struct
from typing import BinaryIO, cast

from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from zoo.message import Message

_CODESTREAM = b"\xff\x4f\xff\x51"


class Jpeg2000(Jpeg2KImageFile):
    """A JPEG 2000 file of 8 bits a channel, or of grey with up to 16.

    Attributes:
        bits: Bits a channel. Pillow moves those of grey up to 16.
    """

    def _open(self) -> None:
        file = cast("BinaryIO", self.fp)
        channels = _channels(file)
        self.bits = max(channels)
        # Of 9 bits Pillow makes 8.
        if set(channels) != {8} and not (len(channels) == 1 and 9 < self.bits <= 16):
            raise ValueError(
                Message("it has channels of {bits:, } bits; 8, or grey of up to 16, can be read", bits=channels)
            )
        file.seek(0)
        super()._open()


def _channels(file: BinaryIO) -> list[int]:
    """Returns the bits of each channel; those of signed values are negative."""
    file.seek(0)
    head = file.read(4)
    if head != _CODESTREAM:
        file.seek(_start_of_codestream(file))
        head = file.read(4)
    if head != _CODESTREAM:
        raise ValueError(Message("it breaks off before its end"))
    # Length, capabilities and eight numbers of sizes and offsets come before the channels.
    file.seek(36, 1)
    (count,) = struct.unpack(">H", file.read(2))
    sizes = file.read(3 * count)[::3]
    return [(1 + (size & 127)) * (-1 if size & 128 else 1) for size in sizes]


def _start_of_codestream(file: BinaryIO) -> int:
    place = 0
    while True:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", file.read(8)), 16
        if kind == b"jp2c":
            return place + head
        if length < head:
            raise ValueError(Message("it breaks off before its end"))
        place += length

"""PNG files: every checksum, and whether all pixels are there. Pillow decodes without asking for them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from zoo.message import Message
from zoo.picture.opening import check_size

_BLOCK = 1 << 16
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First row and column of each pass of an interlaced picture, and its steps.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
# What hardly a row is full of.
_UNUSUAL = (165, 90, 105, 150)


class WholePng(PngImageFile):
    """A PNG file that `check_png` has passed; decoding it fails where its pixels end too early.

    Pillow takes pixels that end behind any row for a whole picture. To unpack all of them once more, only to count
    them, costs half as much as decoding. So the picture is filled with an unusual colour before it is decoded; only
    where its last row still has that afterwards the pixels are counted.
    """

    def load_prepare(self) -> None:
        """Fills the picture, before Pillow decodes it."""
        self._fills = not self.is_animated and not self.info.get("interlace")
        if self._fills:
            self.im = self._filled(self.height).im
        super().load_prepare()

    def load_end(self) -> None:
        """Looks at the last row, when Pillow has decoded the picture.

        Raises:
            EOFError: The pixels end too early.
        """
        super().load_end()
        if self._fills:
            last = self.crop((0, self.height - 1, self.width, self.height))
            if last.tobytes() == self._filled(1).tobytes():
                check_png(cast("BinaryIO", self.fp), "", self.width * self.height, count=True)

    def _filled(self, height: int) -> Image.Image:
        bands = Image.getmodebands(self.mode)
        return Image.new(self.mode, (self.width, height), _UNUSUAL[0] if bands == 1 else _UNUSUAL[:bands])


def check_png(file: BinaryIO, name: str, max_pixels: int, *, count: bool = False) -> None:
    """Reads a PNG file to its end.

    Args:
        file: The file.
        name: What error messages call it.
        max_pixels: A picture with more pixels is refused before any is unpacked.
        count: Whether the pixels are counted too. Those of several frames or passes are in any case, since `WholePng`
            sees nothing of them.

    Raises:
        DecodeError: There are more pixels than accepted.
        EOFError: The file ends before its last chunk, or the pixels of the picture or of a frame end too early.
        ValueError: A checksum is wrong, or the header is.
        zlib.error: The pixels cannot be unpacked.
    """
    file.seek(8)
    header, frame = (0, 0, 0, 0, 0), _Frame(0)
    counts = count
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", _body(file, kind, length, None))
            check_size(height, width, name, max_pixels)
            header = (height, width, depth, color, interlaced)
            frame = _Frame(_size(*header))
            counts = counts or bool(interlaced)
        elif kind in (b"IDAT", b"fdAT"):
            frame.fed = True
            _body(file, kind, length, frame if counts else None)
        else:
            body = _body(file, kind, length, None)
            counts = counts or kind == b"acTL"
            # The first one may belong to the picture itself, whose pixels are then still to come.
            if counts and (kind == b"IEND" or (kind == b"fcTL" and frame.fed)):
                frame.close()
            if kind == b"fcTL" and frame.fed:
                width, height = struct.unpack(">II", body[4:12])
                frame = _Frame(_size(height, width, *header[2:]))


@dataclass
class _Frame:
    """Counts the bytes a frame's pixels unpack to."""

    expected: int

    def __post_init__(self) -> None:
        self.fed = False
        self._inflate = zlib.decompressobj()
        self._count = 0

    def feed(self, data: bytes) -> None:
        while data and self._count < self.expected:
            self._count += len(self._inflate.decompress(data, _BLOCK))
            data = self._inflate.unconsumed_tail

    def close(self) -> None:
        if self._count < self.expected:
            raise EOFError(
                Message(
                    "only {count} of {expected} bytes of its pixels are there",
                    count=self._count,
                    expected=self.expected,
                )
            )


def _body(file: BinaryIO, kind: bytes, length: int, frame: _Frame | None) -> bytes:
    """Reads a chunk, whose checksum must be right, and gives pixels to their frame."""
    checksum = zlib.crc32(kind)
    kept = bytearray()
    # Frames but the first are numbered.
    skipped = 4 if kind == b"fdAT" else 0
    while length:
        block = _exactly(file, min(length, _BLOCK))
        length -= len(block)
        checksum = zlib.crc32(block, checksum)
        if frame is not None:
            frame.feed(block[skipped:])
            skipped = 0
        elif kind in (b"IHDR", b"fcTL"):
            kept += block
    if checksum != int.from_bytes(_exactly(file, 4), "big"):
        raise ValueError(Message("the checksum of its chunk {kind!r} is wrong", kind=kind))
    return bytes(kept)


def _size(height: int, width: int, depth: int, color: int, interlaced: int) -> int:
    if color not in _CHANNELS or not height or not width:
        raise ValueError(
            Message(
                "a picture of {height}x{width} pixels of colour type {color} is not possible",
                height=height,
                width=width,
                color=color,
            )
        )
    bits = depth * _CHANNELS[color]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(height - top) // down), -(-(width - left) // right)) for top, left, down, right in passes)
    return sum(rows * (1 + (columns * bits + 7) // 8) for rows, columns in sizes if rows > 0 and columns > 0)


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError(Message("it breaks off before its end"))
    return data

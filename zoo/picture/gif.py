"""The block structure of GIF files, read without decoding anything."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from zoo.message import Message


def gif_extents(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Walks through the frames of a GIF.

    A frame may be larger than the file's own header says, and Pillow would then grow the picture, with a warning; and
    where a file was cut between two frames Pillow takes it for whole. Both are seen here.

    Args:
        file: The file.

    Yields:
        (width, height) of the canvas each frame needs.

    Raises:
        EOFError: The file ends before its trailer, or holds something that is no block.
    """
    file.seek(10)
    _skip_palette(file)
    while (mark := _byte(file)) != ord(";"):
        if not mark:
            # Padding between blocks, which every reader passes over.
            continue
        if mark == ord("!"):
            file.seek(1, os.SEEK_CUR)
        elif mark == ord(","):
            left, top, width, height = struct.unpack("<4H", _exactly(file, 8))
            yield left + width, top + height
            _skip_palette(file, 1)
        else:
            raise EOFError(Message("byte {mark} begins no block", mark=mark))
        while length := _byte(file):
            file.seek(length, os.SEEK_CUR)


def _skip_palette(file: BinaryIO, after: int = 2) -> None:
    flags = _byte(file)
    file.seek(after + (3 << (flags & 7) + 1 if flags & 0x80 else 0), os.SEEK_CUR)


def _byte(file: BinaryIO) -> int:
    return _exactly(file, 1)[0]


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError(Message("it breaks off before its end"))
    return data

"""Video containers: which one a file is, and whether all of it is there."""

from __future__ import annotations

import os
import re
import struct
from typing import BinaryIO

#: How many first bytes `container_of` needs.
HEAD_BYTES = 512

# The name is that of FFmpeg's demuxer, which is then the only one that looks at the file: left to choose, FFmpeg also
# reads playlists, which send it to other files and addresses. `ftyp` also begins HEIF and AVIF pictures and mere sound.
_CONTAINERS = (
    (re.compile(rb".{4}ftyp(?!avi[fs]|hei[cfmsx]|hev[cmx]|mif1|msf1|crx |M4[ABP] )", re.DOTALL), "mov"),
    (re.compile(rb"[\0-\x08].{3}(?:moov|mdat|wide|free|skip)", re.DOTALL), "mov"),
    (re.compile(rb"\x1aE\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF.{4}AVI ", re.DOTALL), "avi"),
    (re.compile(rb"(?:.{4})?G.{187}G.{187}G|.{4}G.{191}G", re.DOTALL), "mpegts"),
    (re.compile(rb"\0\0\x01\xba"), "mpeg"),
)

_BOXES = frozenset(
    (
        b"ftyp",
        b"styp",
        b"moov",
        b"moof",
        b"mdat",
        b"mfra",
        b"sidx",
        b"free",
        b"skip",
        b"wide",
        b"meta",
        b"udta",
        b"uuid",
    )
)


def container_of(head: bytes) -> str:
    """Returns FFmpeg's name of the container a file's first `HEAD_BYTES` bytes begin, or ""."""
    return next((name for magic, name in _CONTAINERS if magic.match(head)), "")


def missing_bytes(file: BinaryIO, container: str) -> int:
    """Returns how many bytes a container declares that are not there; 0 where it declares nothing.

    No decoder tells a file that was cut from one that ends.

    Args:
        file: The file.
        container: Its container as `container_of` names it.
    """
    length = file.seek(0, os.SEEK_END)
    declared = {"mov": _end_of_boxes, "matroska": _end_of_segment, "avi": _end_of_riff}.get(container)
    return max(0, declared(file, length) - length) if declared else 0


def _end_of_boxes(file: BinaryIO, length: int) -> int:
    end = 0
    while end < length:
        file.seek(end)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        # 0 means: as far as the file goes. What is no box was put behind the video.
        if size < 8 or head[4:8] not in _BOXES:
            return end
        end += size
    return end


def _end_of_segment(file: BinaryIO, length: int) -> int:
    end = 0
    for _ in ("EBML", "Segment"):
        file.seek(end + 4)
        head = file.read(8)
        # The zeros before the first one bit say how many bytes the number has; all ones mean an unknown size.
        width = 9 - head[0].bit_length() if head and head[0] else 0
        size = int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)
        if not width or len(head) < width or size == (1 << 7 * width) - 1:
            return length
        end += 4 + width + size
    return end


def _end_of_riff(file: BinaryIO, length: int) -> int:
    file.seek(4)
    (size,) = struct.unpack("<I", file.read(4))
    # A recorder that was switched off never came back to fill it in.
    return 8 + size if size != 0xFFFFFFFF else length

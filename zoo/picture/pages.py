"""The pages of TIFF files: which of them are pictures, and which files are no pictures but camera raw."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from PIL.TiffImagePlugin import TiffImageFile

from zoo.errors import DecodeError
from zoo.message import Message

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _INNER, _DNG = _TAGS = 254, 255, 256, 257, 262, 330, 50706
# Bits of the first tag: a reduced copy, a mask. A value of the second: a reduced copy.
_BESIDE, _MASK, _OLD_REDUCED = 1 | 4, 4, 2
# What a pixel of a sensor means: one colour of a filter, or values before development.
_SENSOR = (32803, 34892)
# Marks of Canon and Phase One behind the head of a TIFF.
_RAW_MARKS = (b"CR", b"IIII", b"MMMM")
# Formats of whole numbers, by type; others are not asked for.
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# What reading raises where offsets and lengths are damaged.
_DAMAGE = (EOFError, OSError, ValueError, OverflowError, struct.error)
# Most directories that are looked at, entries of one, and values of an entry.
_MOST = 1 << 16


class PagedTiff(TiffImageFile):
    """A TIFF file of which only the pages that are pictures are frames; Pillow never looks at the others' pixels."""

    def _open(self) -> None:
        file = cast("BinaryIO", self.fp)
        self._pages = picture_pages(file)
        file.seek(0)
        super()._open()

    @property
    def n_frames(self) -> int:
        """Number of pictures.

        Raises:
            EOFError: The file is damaged behind the last one that was found.
        """
        if self._pages.damaged:
            raise EOFError(Message("it breaks off before its end"))
        return len(self._pages.numbers)

    def tell(self) -> int:
        """Returns the number of the picture it stands at, from 0 on."""
        return self._pages.numbers.index(super().tell())

    def _seek(self, frame: int) -> None:
        super()._seek(self._pages.numbers[frame])


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a file that are pictures.

    Attributes:
        numbers: Their numbers among all pages, from 0 on; at least one.
        damaged: Whether the file ends before its last page.
    """

    numbers: tuple[int, ...]
    damaged: bool


@dataclass(frozen=True, slots=True)
class _Directory:
    tags: dict[int, tuple[int, ...]]

    @property
    def is_beside(self) -> bool:
        """Whether it is a thumbnail, a reduced copy or a mask of another one."""
        return bool(self._first(_SUBFILE) & _BESIDE) or self._first(_OLD_SUBFILE) == _OLD_REDUCED

    @property
    def is_raw(self) -> bool:
        return self._first(_PHOTOMETRIC) in _SENSOR or _DNG in self.tags

    @property
    def is_mask(self) -> bool:
        return bool(self._first(_SUBFILE) & _MASK)

    @property
    def pixels(self) -> int:
        return self._first(_WIDTH) * self._first(_HEIGHT)

    def _first(self, tag: int) -> int:
        return self.tags.get(tag, (0,))[0]


def picture_pages(file: BinaryIO) -> Pages:
    """Finds the pages of a TIFF file that are pictures.

    Thumbnails, reduced copies and masks are passed over where there is anything else.
    """
    pages: list[_Directory] = []
    damaged = False
    try:
        pages += _Reader(file).chain()
    except _DAMAGE:
        damaged = True
    return Pages(_pictures(pages) or (0,), damaged)


def _pictures(pages: Sequence[_Directory]) -> tuple[int, ...]:
    pictures = tuple(number for number, page in enumerate(pages) if not page.is_beside)
    return pictures or tuple(range(len(pages)))


def check_pages(file: BinaryIO, name: str) -> None:
    """Refuses what has the head of a TIFF and its real picture elsewhere than in the pages that are read.

    Raises:
        DecodeError: It has the values of a camera's sensor inside, or a page keeps a larger picture in itself.
    """
    file.seek(0)
    raw = file.read(12)[8:].startswith(_RAW_MARKS)
    pages: list[_Directory] = []
    larger: list[bool] = []
    try:
        reader = _Reader(file)
        for directory in () if raw else reader.chain():
            inside = list(reader.inside(directory))
            raw = raw or any(each.is_raw for each in (directory, *inside))
            pages.append(directory)
            larger.append(any(inner.pixels > directory.pixels and not inner.is_mask for inner in inside))
    except _DAMAGE:
        # Damage is told by who reads the pictures.
        pass
    if not raw and any(larger[number] for number in _pictures(pages)):
        raise DecodeError(
            "{name} is a TIFF whose page is a smaller copy: its picture is in a directory inside (SubIFD), which is "
            "not read. A picture in a page of its own was expected.",
            "Open it in the program it comes from, and export it as a plain TIFF or PNG.",
            name=name,
        )
    if raw:
        raise DecodeError(
            "{name} is a camera raw file: it has the values of the sensor, and previews at most. A developed picture "
            "was expected.",
            "Develop it first, for instance with: darktable-cli IN.NEF OUT.png",
            name=name,
        )


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        head = self._exactly(8)
        self._order = "<" if head[:2] == b"II" else ">"
        self._big = head[2:4] in (b"+\0", b"\0+")
        self._first = self._number("Q") if self._big else self._unpack("I", head[4:])

    def chain(self) -> Iterator[_Directory]:
        """Yields the directories of the pages, each once."""
        seen: set[int] = set()
        place = self._first
        while place and place not in seen and len(seen) < _MOST:
            seen.add(place)
            directory, place = self._read(place)
            yield directory

    def inside(self, directory: _Directory) -> Iterator[_Directory]:
        """Yields the directories that a page keeps for itself."""
        for place in directory.tags.get(_INNER, ()):
            yield self._read(place)[0]

    def _read(self, place: int) -> tuple[_Directory, int]:
        count_as, entry_as, next_as = ("Q", "HHQ8s", "Q") if self._big else ("H", "HHI4s", "I")
        self._file.seek(place)
        count = self._number(count_as)
        if count > _MOST:
            raise EOFError
        size = struct.calcsize(self._order + entry_as)
        entries = self._exactly(count * size)
        following = self._number(next_as)
        tags: dict[int, tuple[int, ...]] = {}
        for tag, kind, many, value in struct.iter_unpack(self._order + entry_as, entries):
            if tag in _TAGS and kind in _NUMBERS and 0 < many <= _MOST:
                tags[tag] = self._values(_NUMBERS[kind], many, value)
        return _Directory(tags), following

    def _values(self, number_as: str, many: int, value: bytes) -> tuple[int, ...]:
        form = f"{self._order}{many}{number_as}"
        size = struct.calcsize(form)
        if size > len(value):
            self._file.seek(self._unpack("Q" if self._big else "I", value))
            value = self._exactly(size)
        return struct.unpack(form, value[:size])

    def _number(self, number_as: str) -> int:
        return self._unpack(number_as, self._exactly(struct.calcsize(self._order + number_as)))

    def _unpack(self, number_as: str, data: bytes) -> int:
        return struct.unpack(self._order + number_as, data)[0]

    def _exactly(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) < length:
            raise EOFError
        return data

"""The rows of a TIFF file, decoded as they are asked for."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError
from zoo.message import Message, printable
from zoo.picture.levels import between, high_bytes
from zoo.picture.opening import open_regular, undecodable
from zoo.picture.pages import check_pages, picture_pages
from zoo.picture.rgb import unmultiplied
from zoo.predict.tiff.geo import Tag, nodata_of, nodata_text, place_tags, quiet_about_nodata
from zoo.predict.tiff.package import import_tifffile

# One row of tiles, decoded to RGB uint8 or still 16 bits wide, is held at a time.
_LARGEST_BAND = 256 << 20
_JPEG = 7
_MULTIPLIED = 1

_EXPECTED = Message("A TIFF of grey or RGB pixels with 8 or 16 bits, in tiles or strips, was expected.")
_HINT_KIND = Message("Save it as grey or RGB with 8 bits a channel, in the program it comes from.")
_HINT_DAMAGED = Message("Copy or download it again. A picture of another format goes to: zoo predict")


class _Plane(NamedTuple):
    """A plane that is read: its number in the file, and which of its samples fill which channels of the result."""

    number: int
    samples: slice | list[int]
    channels: slice


class TiffRows:
    """The first picture of an open TIFF file, read from top to bottom.

    Grey is widened, alpha dropped (and colours that were multiplied by it divided again), and of 16 bits the high byte
    taken unless a range is given, as in `read_image`. Tiles the file leaves out (sparse files) are black.

    Attributes:
        size: (H, W).
        own: The lowest and the highest of the values of 16 bits so far; None where there are none.
    """

    def __init__(self, file: BinaryIO, name: str, page: Any, value_range: tuple[float, float] | None) -> None:
        """Checks the layout.

        Args:
            file: The open file.
            name: What errors call it.
            page: tifffile's page.
            value_range: Which values of 16 bits become black and white; None for 0 and 65535.

        Raises:
            DecodeError: The layout is another than this module reads, or the file is cut off.
        """
        self.size: tuple[int, int] = (page.imagelength, page.imagewidth)
        self._file, self._name, self._page, self._range = file, name, page, value_range
        reason = _unsupported(page)
        if reason:
            raise DecodeError("{name} {reason}. {expected}", _HINT_KIND, name=name, reason=reason, expected=_EXPECTED)
        self._planar = page.planarconfig == 2
        # Colours multiplied by alpha need it for a fourth channel, until `read` has divided by it.
        self._multiplied = _MULTIPLIED in page.extrasamples
        self._channels = 4 if self._multiplied else 3
        self._planes = _planes(page)
        # Uncompressed strips need no decoding: rows are read where they lie, however long the strips are.
        self._plain = not page.is_tiled and page.compression == page.predictor == page.fillorder == 1
        self._height: int = page.tilelength if page.is_tiled else min(page.rowsperstrip, self.size[0])
        self._width: int = page.tilewidth if page.is_tiled else self.size[1]
        self._down, self._across = -(-self.size[0] // self._height), -(-self.size[1] // self._width)
        self._check_segments()
        self.own: tuple[int, int] | None = None
        self._band: tuple[int, NDArray[np.uint8]] | None = None

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Returns the rows from `start` to before `stop`, (n, W, 3) RGB uint8.

        Raises:
            DecodeError: A tile is damaged, or cannot be read.
        """
        rows = np.empty((stop - start, self.size[1], self._channels), np.uint8)
        for index in range(start // self._height, (stop - 1) // self._height + 1):
            top = index * self._height
            first, last = max(start, top), min(stop, top + self._height)
            if self._plain:
                self._read_plain(index, first - top, rows[first - start : last - start])
                continue
            if self._band is None or self._band[0] != index:
                self._band = None  # free it before the next one is made
                self._band = (index, self._decode_band(index))
            rows[first - start : last - start] = self._band[1][first - top : last - top]
        return unmultiplied(rows[..., :3], rows[..., 3:]) if self._multiplied else rows

    def place_tags(self, unknown: int) -> list[Tag]:
        """Returns the tags that say where on a map the picture lies; see `zoo.predict.tiff.geo`."""
        return list(place_tags(self._page, unknown))

    @property
    def nodata(self) -> int | None:
        """The value of pixels without data; None where the file names none."""
        return nodata_of(self._page)

    @property
    def impossible_nodata(self) -> str:
        """What the file names as that value although no pixel can have it; mostly empty."""
        return nodata_text(self._page) if self.nodata is None else ""

    def _decode_band(self, index: int) -> NDArray[np.uint8]:
        height = min(self._height, self.size[0] - index * self._height)
        band = np.empty((height, self.size[1], self._channels), np.uint8)
        for plane, column in itertools.product(self._planes, range(self._across)):
            left = column * self._width
            place = band[:, left : left + self._width, plane.channels]
            tile = self._decode((plane.number * self._down + index) * self._across + column)
            if tile is None:
                place[:] = 0
            elif tile.shape[0] < height or tile.shape[1] < place.shape[1]:
                raise self._damaged(
                    Message(
                        "a tile of {shape}x{tile_shape} pixels is too small",
                        shape=tile.shape[0],
                        tile_shape=tile.shape[1],
                    )
                )
            else:
                self._put(tile[:height, : place.shape[1]], plane, place)
        return band

    def _decode(self, number: int) -> NDArray[Any] | None:
        """Returns one tile or strip, (h, w, samples), or None where the file has none."""
        page = self._page
        offset, length = page.dataoffsets[number], page.databytecounts[number]
        if not offset or not length:
            return None
        try:
            self._file.seek(offset)
            data = self._file.read(length)
            # libjpeg fills up what is missing with grey.
            if len(data) != length or (page.compression == _JPEG and data.rstrip(b"\0")[-2:] != b"\xff\xd9"):
                raise self._damaged(Message("tile {number} is cut off", number=number))
            tables = {"jpegtables": page.jpegtables} if page.compression == _JPEG else {}
            tile = page.decode(data, number, **tables)[0][0]
        except Exception as error:
            raise undecodable(self._name, error, _EXPECTED, _HINT_DAMAGED) from error
        if tile.dtype.itemsize * 8 != page.bitspersample or tile.dtype.kind != "u":
            raise self._damaged(Message("tile {number} holds {dtype}", number=number, dtype=tile.dtype))
        return tile

    def _read_plain(self, strip: int, skipped: int, rows: NDArray[np.uint8]) -> None:
        samples = 1 if self._planar else self._page.samplesperpixel
        dtype = np.dtype(f"{self._page.parent.byteorder}u{self._page.bitspersample // 8}")
        line = self.size[1] * samples * dtype.itemsize
        for plane in self._planes:
            offset = self._page.dataoffsets[plane.number * self._down + strip]
            if not offset:
                rows[..., plane.channels] = 0
                continue
            try:
                self._file.seek(offset + skipped * line)
                data = self._file.read(len(rows) * line)
            except OSError as error:
                raise undecodable(self._name, error, _EXPECTED, _HINT_DAMAGED) from error
            if len(data) != len(rows) * line:
                raise self._damaged(Message("strip {strip} is cut off", strip=strip))
            values = np.frombuffer(data, dtype).reshape(*rows.shape[:2], samples)
            self._put(values, plane, rows[..., plane.channels])

    def _put(self, values: NDArray[Any], plane: _Plane, place: NDArray[np.uint8]) -> None:
        """Brings decoded values (h, w, samples) to the channels a plane fills."""
        values = values[..., plane.samples]
        if values.dtype.itemsize == 2:
            lowest, highest = self.own or (65535, 0)
            self.own = min(lowest, int(values.min())), max(highest, int(values.max()))
            values = high_bytes(values) if self._range is None else between(values, *self._range)
        if self._page.photometric == 0:
            values = 255 - values
        place[:] = values

    def _check_segments(self) -> None:
        page = self._page
        planes = page.samplesperpixel if self._planar else 1
        needed = planes * self._down * self._across
        if not len(page.dataoffsets) == len(page.databytecounts) == needed:
            raise self._damaged(
                Message(
                    "it lists {count} tiles or strips and needs {needed}", count=len(page.dataoffsets), needed=needed
                )
            )
        self._file.seek(0, os.SEEK_END)
        size = self._file.tell()
        ends = (offset + length for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True))
        if (end := max(ends)) > size:
            raise self._damaged(Message("it has {size} bytes and needs {end}: it is cut off", size=size, end=end))
        samples = 1 if self._planar else page.samplesperpixel
        held = self._height * self._across * self._width * max(self._channels, samples * page.bitspersample // 8)
        if held > _LARGEST_BAND and not self._plain:
            what = Message("row of tiles") if page.is_tiled else "strip"
            raise DecodeError(
                "{name} has {megabytes} MB in one {what}. At most {limit} MB are decoded at once.",
                "Write it in tiles, for instance with: tiffcp -t -c zip old.tif new.tif",
                name=self._name,
                megabytes=held >> 20,
                what=what,
                limit=_LARGEST_BAND >> 20,
            )

    def _damaged(self, reason: str) -> DecodeError:
        return undecodable(self._name, ValueError(reason), _EXPECTED, _HINT_DAMAGED)


class DataRows(TiffRows):
    """The same file, read for which of its pixels have data: `read` gives 0 for every channel of those without."""

    def _put(self, values: NDArray[Any], plane: _Plane, place: NDArray[np.uint8]) -> None:
        place[:] = values[..., plane.samples] != self.nodata


@contextmanager
def open_tiff(
    path: str | os.PathLike[str],
    value_range: tuple[float, float] | None = None,
    kind: type[TiffRows] = TiffRows,
) -> Generator[TiffRows, None, None]:
    """Opens a TIFF file of any size.

    Args:
        path: A regular file. Of several pictures in it the first is taken.
        value_range: Which values of 16 bits become black and white; None for 0 and 65535.
        kind: What is read of it.

    Yields:
        Its rows; usable until the block ends.

    Raises:
        SourceError: tifffile is not installed.
        DecodeError: It is no TIFF, damaged, or of a kind that is not read: other than 8 or 16 bits, a palette, CMYK,
            turned by its orientation tag, or with one strip of more than 256 MB to decode.
    """
    name = printable(path)
    tifffile = import_tifffile()
    with open_regular(path) as file:
        try:
            check_pages(file, name)
            number = picture_pages(file).numbers[0]
            file.seek(0)
            with quiet_about_nodata():
                page = tifffile.TiffFile(file, name=name).pages[number]
            rows = kind(file, name, page, value_range)
        except Exception as error:
            raise undecodable(name, error, _EXPECTED, _HINT_DAMAGED) from error
        yield rows


def _planes(page: Any) -> list[_Plane]:
    """The planes of a page that hold colours, and alpha where colours were multiplied by it."""
    colours = 3 if page.photometric in (2, 6) else 1
    alpha = colours + page.extrasamples.index(_MULTIPLIED) if _MULTIPLIED in page.extrasamples else None
    if page.planarconfig != 2:
        if alpha is None:
            return [_Plane(0, slice(colours), slice(3))]
        return [_Plane(0, [*(range(3) if colours == 3 else [0] * 3), alpha], slice(4))]
    wide = 3 // colours
    planes = [_Plane(index, slice(1), slice(index * wide, (index + 1) * wide)) for index in range(colours)]
    return planes if alpha is None else [*planes, _Plane(alpha, slice(1), slice(3, 4))]


def _unsupported(page: Any) -> str:
    """Says what about a page is not read here; empty when all is."""
    height, width, samples, extra = page.imagelength, page.imagewidth, page.samplesperpixel, len(page.extrasamples)
    orientation = page.tags.valueof(274, 1)
    faults = {
        Message("is {height}x{width} pixels", height=height, width=width): min(height, width) < 1,
        Message("holds a volume"): page.imagedepth != 1,
        Message("has {bits} bits a channel", bits=page.bitspersample): page.bitspersample not in (8, 16),
        Message("has sample format {format}", format=page.sampleformat): page.sampleformat != 1,
        Message("is stored turned (orientation {orientation})", orientation=orientation): orientation != 1,
        Message("has photometric interpretation {photometric}", photometric=page.photometric): page.photometric
        not in (0, 1, 2, 6),
        Message("has YCbCr pixels outside JPEG"): page.photometric == 6 and page.compression != _JPEG,
        Message("has inverted grey multiplied by alpha"): page.photometric == 0 and _MULTIPLIED in page.extrasamples,
        # A second grey channel that is no alpha may be anything.
        Message("has {channels} channels, {extra} of them extra", channels=samples, extra=extra): samples - extra
        != (3 if page.photometric in (2, 6) else 1)
        or (page.photometric < 2 and extra > 0 and tuple(page.extrasamples) not in ((1,), (2,))),
    }
    return next((fact for fact, wrong in faults.items() if wrong), "")

"""Pictures that do not fit into memory: TIFF files read by rows of tiles, and label maps written while they are made.

TIFF itself is tifffile's work; here only the tiles or strips a row needs are decoded, and sizes are checked before
anything is allocated.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError, OutputError, SourceError
from zoo.hub.bundle import Bundle
from zoo.spec import Window
from zoo.text import printable
from zoo.vision.opening import open_regular, undecodable
from zoo.vision.slide import Progress, Run, Strip, slide

# One row of tiles, decoded to RGB uint8 or still 16 bits wide, is held at a time.
_LARGEST_BAND = 256 << 20
_TILE = 256
_JPEG = 7

_EXPECTED = "A TIFF of grey or RGB pixels with 8 or 16 bits, in tiles or strips, was expected."
_HINT = "Convert it, for instance with: tiffcp -t -c zip old.tif new.tif"


class TiffRows:
    """The first picture of an open TIFF file, read from top to bottom.

    Grey is widened, alpha dropped, and of 16 bits the high byte taken, as in `read_image`. Tiles the file leaves out
    (sparse files) are black.

    Attributes:
        size: (H, W).
    """

    def __init__(self, file: BinaryIO, name: str, page: Any) -> None:
        """Checks the layout.

        Args:
            file: The open file.
            name: What errors call it.
            page: tifffile's page.

        Raises:
            DecodeError: The layout is another than this module reads, or the file is cut off.
        """
        self.size: tuple[int, int] = (page.imagelength, page.imagewidth)
        self._file, self._name, self._page = file, name, page
        reason = _unsupported(page)
        if reason:
            raise DecodeError(f"{name} {reason}. {_EXPECTED}", _HINT)
        self._coloured, self._planar = page.photometric in (2, 6), page.planarconfig == 2
        # Uncompressed strips need no decoding: rows are read where they lie, however long the strips are.
        self._plain = not page.is_tiled and page.compression == page.predictor == page.fillorder == 1
        self._height: int = page.tilelength if page.is_tiled else min(page.rowsperstrip, self.size[0])
        self._width: int = page.tilewidth if page.is_tiled else self.size[1]
        self._down, self._across = -(-self.size[0] // self._height), -(-self.size[1] // self._width)
        self._check_segments()
        self._band: tuple[int, NDArray[np.uint8]] | None = None

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Returns the rows from `start` to before `stop`, (n, W, 3) RGB uint8.

        Raises:
            DecodeError: A tile is damaged, or cannot be read.
        """
        rows = np.empty((stop - start, self.size[1], 3), np.uint8)
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
        return rows

    def _decode_band(self, index: int) -> NDArray[np.uint8]:
        height = min(self._height, self.size[0] - index * self._height)
        band = np.empty((height, self.size[1], 3), np.uint8)
        for plane, column in itertools.product(self._planes(), range(self._across)):
            left = column * self._width
            place = band[:, left : left + self._width]
            tile = self._decode((plane * self._down + index) * self._across + column)
            if tile is None:
                place[..., self._channels(plane)] = 0
            elif tile.shape[0] < height or tile.shape[1] < place.shape[1]:
                raise self._damaged(f"a tile of {tile.shape[0]}x{tile.shape[1]} pixels is too small")
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
                raise self._damaged(f"tile {number} is cut off")
            tables = {"jpegtables": page.jpegtables} if page.compression == _JPEG else {}
            tile = page.decode(data, number, **tables)[0][0]
        except Exception as error:
            raise undecodable(self._name, error, _EXPECTED, _HINT) from error
        if tile.dtype.itemsize * 8 != page.bitspersample or tile.dtype.kind != "u":
            raise self._damaged(f"tile {number} holds {tile.dtype}")
        return tile

    def _read_plain(self, strip: int, skipped: int, rows: NDArray[np.uint8]) -> None:
        samples = 1 if self._planar else self._page.samplesperpixel
        dtype = np.dtype(f"{self._page.parent.byteorder}u{self._page.bitspersample // 8}")
        line = self.size[1] * samples * dtype.itemsize
        for plane in self._planes():
            offset = self._page.dataoffsets[plane * self._down + strip]
            if not offset:
                rows[..., self._channels(plane)] = 0
                continue
            try:
                self._file.seek(offset + skipped * line)
                data = self._file.read(len(rows) * line)
            except OSError as error:
                raise undecodable(self._name, error, _EXPECTED, _HINT) from error
            if len(data) != len(rows) * line:
                raise self._damaged(f"strip {strip} is cut off")
            self._put(np.frombuffer(data, dtype).reshape(*rows.shape[:2], samples), plane, rows)

    def _put(self, values: NDArray[Any], plane: int, rows: NDArray[np.uint8]) -> None:
        """Brings decoded values (h, w, samples) to RGB."""
        if values.dtype.itemsize == 2:
            values = (values >> 8).astype(np.uint8)
        if self._page.photometric == 0:
            values = 255 - values
        rows[..., self._channels(plane)] = values[..., : 3 if self._coloured and not self._planar else 1]

    def _planes(self) -> range:
        """The planes that hold colours."""
        return range(3 if self._coloured and self._planar else 1)

    def _channels(self, plane: int) -> slice:
        """The channels of a result which a plane gives."""
        return slice(plane, plane + 1) if self._coloured and self._planar else slice(None)

    def _check_segments(self) -> None:
        page = self._page
        planes = page.samplesperpixel if self._planar else 1
        needed = planes * self._down * self._across
        if not len(page.dataoffsets) == len(page.databytecounts) == needed:
            raise self._damaged(f"it lists {len(page.dataoffsets)} tiles or strips and needs {needed}")
        self._file.seek(0, os.SEEK_END)
        size = self._file.tell()
        ends = (offset + length for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True))
        if (end := max(ends)) > size:
            raise self._damaged(f"it has {size} bytes and needs {end}: it is cut off")
        samples = 1 if self._planar else page.samplesperpixel
        held = self._height * self._across * self._width * max(3, samples * page.bitspersample // 8)
        if held > _LARGEST_BAND and not self._plain:
            what = "row of tiles" if page.is_tiled else "strip"
            raise DecodeError(
                f"{self._name} has {held >> 20} MB in one {what}. At most {_LARGEST_BAND >> 20} MB are decoded at "
                "once.",
                _HINT,
            )

    def _damaged(self, reason: str) -> DecodeError:
        return undecodable(self._name, ValueError(reason), _EXPECTED, _HINT)


@contextmanager
def open_tiff(path: str | os.PathLike[str]) -> Generator[TiffRows, None, None]:
    """Opens a TIFF file of any size.

    Args:
        path: A regular file. Of several pictures in it the first is taken.

    Yields:
        Its rows; usable until the block ends.

    Raises:
        SourceError: tifffile is not installed.
        DecodeError: It is no TIFF, damaged, or of a kind that is not read: other than 8 or 16 bits, a palette, CMYK,
            turned by its orientation tag, or with one strip of more than 256 MB to decode.
    """
    name = printable(path)
    tifffile = _tifffile()
    with open_regular(path) as file:
        try:
            page = tifffile.TiffFile(file, name=name).pages.first
            rows = TiffRows(file, name, page)
        except Exception as error:
            raise undecodable(name, error, _EXPECTED, _HINT) from error
        yield rows


def write_labels(
    path: str | os.PathLike[str],
    size: tuple[int, int],
    blocks: Iterable[NDArray[np.uint8 | np.uint16]],
    *,
    palette: Sequence[tuple[int, int, int]] = (),
    description: str = "",
) -> Path:
    """Writes a label map as a tiled, deflate-compressed TIFF while it is made.

    Args:
        path: The target; an existing file is replaced when all is written and not before.
        size: (H, W).
        blocks: (n, W) rows from the top, uint8 or uint16, H in all.
        palette: RGB colours of the values from 0, for viewers; only kept with uint8.
        description: ASCII text for the tag ImageDescription.

    Returns:
        The target.

    Raises:
        OutputError: It cannot be written, or the disk is full. Whatever ends the run, also Ctrl-C or an error of
            `blocks`, nothing is left behind.
        ValueError: There are fewer rows than `size` says.
        SourceError: tifffile is not installed.
    """
    tifffile = _tifffile()
    target = Path(path)
    remaining = iter(blocks)
    # Before the first rows are there, no file is begun.
    first = next(remaining, None)
    if first is None:
        raise _too_few(0, size[0])
    colors = None
    if palette and first.dtype == np.uint8:
        colors = np.zeros((3, 256), np.uint16)
        colors[:, : len(palette)] = np.array(palette, np.uint16).T * 257
    with _replacing(target) as file:
        # Offsets of more than four bytes, where the uncompressed map could need them.
        big = size[0] * size[1] * first.dtype.itemsize >= 1 << 32
        with tifffile.TiffWriter(file, bigtiff=big) as writer:
            writer.write(
                _tiles(itertools.chain([first], remaining), size),
                shape=size,
                dtype=first.dtype,
                tile=(_TILE, _TILE),
                compression="zlib",
                photometric="minisblack" if colors is None else "palette",
                colormap=colors,
                description=description or None,
                metadata=None,
                software="zoo",
                maxworkers=1,
            )
    return target


def segment_tiff(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    run: Run,
    bundle: Bundle,
    window: Window,
    *,
    batch_size: int = 1,
    scores: bool = False,
    relabel: Callable[[Strip], NDArray[np.uint8 | np.uint16]] | None = None,
    palette: Sequence[tuple[int, int, int]] = (),
    description: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Segments a TIFF of any height into a label TIFF; memory is that of one row of windows.

    Args:
        source: The picture.
        target: The label map; see `write_labels`.
        run: As in `slide`, like the next three.
        bundle: See there.
        window: See there.
        batch_size: See there.
        scores: Give `relabel` the scores too.
        relabel: Turns a finished strip into what is written, one dtype for all; by default its labels.
        palette: See `write_labels`.
        description: See `write_labels`.
        progress: Called with every strip.

    Returns:
        The target.

    Raises:
        OutputError: The target cannot be written, or is the source itself.
        ZooError: Whatever `open_tiff` and `slide` raise.
    """
    with open_tiff(source) as rows:
        with contextlib.suppress(OSError):
            if os.path.samefile(source, target):
                raise OutputError(
                    f"{printable(target)} is the picture itself. Another file was expected.", "Give another name."
                )
        strips = slide(rows, run, bundle, window, batch_size=batch_size, scores=scores, progress=progress)
        blocks = (strip.labels if relabel is None else relabel(strip) for strip in strips)
        return write_labels(target, rows.size, blocks, palette=palette, description=description)


def check_replaceable(target: str | os.PathLike[str], mark: str) -> None:
    """Makes sure that only a label map of the same picture is replaced.

    Args:
        target: Where a label map is to go.
        mark: How the description of such a label map begins.

    Raises:
        OutputError: Another file is there.
        SourceError: tifffile is not installed.
    """
    tifffile = _tifffile()
    if not os.path.lexists(target):
        return
    try:
        with tifffile.TiffFile(target) as found:
            description = str(found.pages.first.description)
    except (OSError, ValueError, tifffile.TiffFileError):
        description = ""
    if not description.startswith(mark):
        raise OutputError(
            f"{printable(target)} exists and is no label map of this picture. Only an older one is replaced.",
            "Give another name, or move the file away.",
        )


def _unsupported(page: Any) -> str:
    """Says what about a page is not read here; empty when all is."""
    height, width, samples, extra = page.imagelength, page.imagewidth, page.samplesperpixel, len(page.extrasamples)
    orientation = page.tags.valueof(274, 1)
    faults = {
        f"is {height}x{width} pixels": min(height, width) < 1,
        "holds a volume": page.imagedepth != 1,
        f"has {page.bitspersample} bits a channel": page.bitspersample not in (8, 16),
        f"has sample format {page.sampleformat}": page.sampleformat != 1,
        f"is stored turned (orientation {orientation})": orientation != 1,
        f"has photometric interpretation {page.photometric}": page.photometric not in (0, 1, 2, 6),
        "has YCbCr pixels outside JPEG": page.photometric == 6 and page.compression != _JPEG,
        # A second grey channel that is no alpha may be anything.
        f"has {samples} channels, {extra} of them extra": samples - extra != (3 if page.photometric in (2, 6) else 1)
        or (page.photometric < 2 and extra > 0 and tuple(page.extrasamples) not in ((1,), (2,))),
    }
    return next((fact for fact, wrong in faults.items() if wrong), "")


def _tiles(blocks: Iterable[NDArray[Any]], size: tuple[int, int]) -> Iterator[NDArray[Any]]:
    """Cuts rows into whole tiles, the last ones filled up with zeros."""
    held: NDArray[Any] | None = None
    done = 0
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        done += len(block)
        while held.size and (len(held) >= _TILE or done >= size[0]):
            for left in range(0, size[1], _TILE):
                tile = held[:_TILE, left : left + _TILE]
                yield np.pad(tile, ((0, _TILE - tile.shape[0]), (0, _TILE - tile.shape[1])))
            held = held[_TILE:]
    if done != size[0]:
        raise _too_few(done, size[0])


def _too_few(rows: int, height: int) -> ValueError:
    return ValueError(f"{rows} rows were given for a label map of {height}")


@contextmanager
def _replacing(target: Path) -> Generator[BinaryIO, None, None]:
    """A file under a temporary name, which takes the target's place when the block ends well."""
    partial = target.with_name(f".zoo-{secrets.token_hex(6)}.part")
    try:
        try:
            with open(partial, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{printable(target)} cannot be written: {error.strerror or error}. A writable folder with free space "
            "was expected.",
            "Give another folder, or make room and try again.",
        ) from error


def _tifffile() -> ModuleType:
    try:
        import tifffile
    except ImportError as error:
        raise SourceError(
            f"Large TIFF files are read and written with tifffile, which cannot be imported: {printable(str(error))}.",
            'Run: pip install "zoo-core[large]"',
        ) from error
    return tifffile

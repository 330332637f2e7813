"""A label map written as TIFF while it is made."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import ensure_folder, replacing
from zoo.errors import OutputError
from zoo.message import Message
from zoo.predict.tiff.geo import Tag
from zoo.predict.tiff.package import import_tifffile

_TILE = 256


def write_labels(
    path: str | os.PathLike[str],
    size: tuple[int, int],
    blocks: Iterable[NDArray[np.uint8 | np.uint16]],
    *,
    palette: Sequence[tuple[int, int, int]] = (),
    description: str = "",
    tags: Sequence[Tag] = (),
) -> Path:
    """Writes a label map as a tiled, deflate-compressed TIFF while it is made.

    Args:
        path: The target, whose name ends in .tif or .tiff; missing folders are made. An existing file is replaced when
            all is written and not before.
        size: (H, W).
        blocks: (n, W) rows from the top, uint8 or uint16, H in all.
        palette: RGB colours of the values from 0, for viewers; only kept with uint8.
        description: ASCII text for the tag ImageDescription.
        tags: Further tags.

    Returns:
        The target.

    Raises:
        OutputError: Its name ends otherwise, it cannot be written, or the disk is full. Whatever ends the run, also
            Ctrl-C or an error of `blocks`, nothing is left behind.
        ValueError: There are fewer rows than `size` says.
        SourceError: tifffile is not installed.
    """
    tifffile = import_tifffile()
    check_name(path)
    target = Path(path)
    ensure_folder(target.parent)
    remaining = iter(blocks)
    # Before the first rows are there, no file is begun.
    first = next(remaining, None)
    if first is None:
        raise _too_few(0, size[0])
    colors = None
    if palette and first.dtype == np.uint8:
        colors = np.zeros((3, 256), np.uint16)
        colors[:, : len(palette)] = np.array(palette, np.uint16).T * 257
    with replacing(target) as file:
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
                extratags=tags,
                software="zoo",
                maxworkers=1,
            )
    return target


def check_name(target: str | os.PathLike[str]) -> None:
    """Makes sure that a label map is not called something it is not.

    Raises:
        OutputError: The name does not end in .tif or .tiff.
    """
    if Path(target).suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(
            "{target} does not end in .tif or .tiff. The label map is a TIFF file.",
            "Give a name such as labels.tif.",
            target=target,
        )


def check_replaceable(target: str | os.PathLike[str], mark: str) -> None:
    """Makes sure that only a label map of the same picture is replaced.

    Args:
        target: Where a label map is to go.
        mark: How the description of such a label map begins.

    Raises:
        OutputError: Another file is there.
        SourceError: tifffile is not installed.
    """
    tifffile = import_tifffile()
    if not os.path.lexists(target):
        return
    try:
        with tifffile.TiffFile(target) as found:
            description = str(found.pages.first.description)
    except (OSError, ValueError, tifffile.TiffFileError):
        description = ""
    if not description.startswith(mark):
        raise OutputError(
            "{target} exists and is no label map of this picture. Only an older one is replaced.",
            "Give another name, or move the file away.",
            target=target,
        )


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
    return ValueError(Message("{rows} rows were given for a label map of {height}", rows=rows, height=height))

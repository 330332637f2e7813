"""What a caller may hand over as pictures -> one named, readable input after the other.

inputs(source)          Input(name, uri, read, note) a picture
  walk                  takes lists, dicts and iterators apart into origins
    files, tree         paths: files, folders, patterns
    urls                http and https
    arrays, images      arrays and PIL images of the caller's
    streams             file objects
  content               a file or bytes -> frames, by the first bytes: picture, PDF document, video
"""

from __future__ import annotations

from collections.abc import Iterator

from zoo.picture.sources.item import Input
from zoo.picture.sources.options import SourceOptions
from zoo.picture.sources.walk import Source
from zoo.picture.sources.walk import walk as origins

__all__ = ["Input", "Source", "SourceOptions", "inputs", "origins"]

_DEFAULT = SourceOptions()


def inputs(source: Source, options: SourceOptions = _DEFAULT) -> Iterator[Input]:
    """Walks through a source lazily: nothing is opened before its turn.

    A single picture is decoded by its `read()`, a page of a PDF document too. Frames of animations, TIFF pages and
    frames of videos are decoded when the walk comes to them, one at a time; arrays and PIL images out of an iterator
    are copied then, because their maker may use them again. A picture lives as long as its input.

    Args:
        source: A path of a file or folder, a pattern such as "photos/**/*.png", an http(s) address, a numpy array
            (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, bool or float from 0 to 1, a PIL image, the
            bytes of a file, a file object (read from where it stands, at most 512 MiB), a dict {"img": any of these},
            or a list, tuple or iterator of these, nested at will. What a file holds is told by its content. Folders
            are read by name, byte by byte; hidden files are passed over, others that are no pictures as well, and
            these are counted in the log. What a pattern matches is an input, whatever it holds. Results that zoo wrote
            are passed over in folders and patterns, and counted in a warning.
        options: How they are to be read.

    Yields:
        One input a picture, in order. What cannot be one picture (a missing file, a folder without pictures, a wrong
        type) is an input too, and raises when it is read, so that the others are not lost.

    Raises:
        SourceError: The source is an empty list, dict or iterator.
        Exception: Whatever an iterator of the caller's raises.
    """
    position = 1
    for origin in origins(source, options):
        generated = f"{origin.kind}_{position:04d}"
        stem = origin.stem or generated
        uri = origin.uri or stem
        for frame in origin.frames(origin.shown or generated):
            part = (f"_{frame.number:04d}", f"#{frame.unit}={frame.number}") if frame.number else ("", "")
            yield Input(stem + part[0], uri + part[1], frame.read)
            position += 1

"""PIL images of the caller's -> their frames."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from PIL import Image
from PIL.ImageFile import ImageFile

from zoo.picture.frames import frames_of
from zoo.picture.opening import check_size
from zoo.picture.rgb import Picture, to_rgb
from zoo.picture.sources.item import Frame, held
from zoo.picture.sources.options import SourceOptions


def image_frames(picture: Image.Image, options: SourceOptions, name: str) -> Iterator[Frame]:
    """Gives the frame a PIL image stands at, or with `frames="all"` all there are; then it is put back to that frame.

    Args:
        picture: The image.
        options: How it is to be read.
        name: What error messages call it.

    Yields:
        Its frames, errors among them.
    """
    count = _number_of_frames(picture) if options.frames == "all" else 1
    if count == 1:
        yield Frame(partial(_read, picture, options, name))
        return
    place = picture.tell()
    try:
        frames = frames_of(picture, count, name, options.pixel_limit, options.value_range)
        for number, frame in enumerate(frames, 1):
            yield held(frame, number)
    finally:
        # Pillow goes back in an animated PNG once and not a second time.
        with contextlib.suppress(Exception):
            picture.seek(place)


def _number_of_frames(picture: Image.Image) -> int:
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:
        # Closed or damaged: reading it will say so.
        return 1


def _read(picture: Image.Image, options: SourceOptions, name: str) -> Picture:
    if isinstance(picture, ImageFile):
        # It may not have been decoded yet.
        check_size(picture.height, picture.width, name, options.pixel_limit)
    return to_rgb(picture, name, options.value_range)

"""Opening what may hold pictures: regular files and nothing that blocks, and one wording for what cannot be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from zoo.base.files import user_path
from zoo.errors import DecodeError
from zoo.message import Message, printable

EXPECTED = Message("Expected a whole PNG, JPEG, BMP, TIFF, WebP, PPM, GIF, AVIF or JPEG 2000 picture.")
HINT_FILE = Message("Open it in a picture viewer; if it looks right there, save it again as PNG.")
HINT_AGAIN = Message("Copy or download the file again.")
HINT_SIZE = Message(
    "Cut it into tiles or make it smaller first; or allow it, with the memory it needs: max_pixels=NUMBER, or "
    "ZOO_MAX_PIXELS."
)
HINT_LARGE_TIFF = Message(
    "Run: zoo tiff SOURCE TARGET --model MODEL, or call Model.predict_tiff; they segment TIFF files of any size."
)
_HINT_PATH = Message("Check the path and the rights to read it; a relative path starts at the current folder.")


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Generator[BinaryIO, None, None]:
    """Opens a regular file, without waiting for anybody.

    Args:
        path: The file.

    Yields:
        The file, at its beginning.

    Raises:
        DecodeError: It is missing, not to be opened, or a folder, FIFO, socket or device.
    """
    path = user_path(path)
    name = printable(path)
    try:
        # A FIFO or a device would block a plain open for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        what = Message("is a link to a file that does not exist") if os.path.islink(path) else Message("does not exist")
        raise DecodeError("{name} {what}. {expected}", _HINT_PATH, name=name, what=what, expected=EXPECTED) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DecodeError(
            "{name} cannot be opened: {reason}. {expected}", _HINT_PATH, name=name, reason=reason, expected=EXPECTED
        ) from error
    try:
        if not stat.S_ISREG(mode := os.fstat(handle).st_mode):
            kind = Message("a folder") if stat.S_ISDIR(mode) else Message("not a regular file")
            raise DecodeError(
                "{name} is {kind}. {expected}",
                "Give the path of a picture file.",
                name=name,
                kind=kind,
                expected=EXPECTED,
            )
        with open(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def check_size(height: int, width: int, name: str, max_pixels: int, hint: str = HINT_SIZE) -> None:
    """Refuses a size before anything of that size is made.

    Raises:
        DecodeError: There are more pixels than accepted.
    """
    if height * width > max_pixels:
        raise DecodeError(
            "{name} has {pixels} pixels ({height}x{width}). At most {limit} are accepted.",
            hint,
            name=name,
            pixels=height * width,
            height=height,
            width=width,
            limit=max_pixels,
        )


def undecodable(name: str, error: Exception, expected: str = EXPECTED, hint: str = HINT_FILE) -> DecodeError:
    """Puts what a decoder raised into words.

    Pillow's parsers raise whatever goes wrong first: besides its own errors ValueError, struct.error, zlib.error,
    OverflowError and more have been seen on damaged files.
    """
    if isinstance(error, DecodeError):
        return error
    if isinstance(error, MemoryError):
        return DecodeError(
            "{name} needs more memory than there is. {expected}",
            "Make the picture smaller, or free some memory.",
            name=name,
            expected=expected,
        )
    # FFmpeg's errors have one too, and a number in front of it otherwise.
    text = getattr(error, "strerror", None) or str(error)
    reason = text if isinstance(text, Message) else text.rstrip(" .") or type(error).__name__
    return DecodeError(
        "{name} cannot be decoded: {reason}. {expected}", hint, name=name, reason=reason, expected=expected
    )

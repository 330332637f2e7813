"""A file's content -> its pictures, by what its first bytes say it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO, Literal, TypeAlias

from zoo.errors import SourceError
from zoo.picture.containers import HEAD_BYTES as CONTAINER_BYTES
from zoo.picture.containers import container_of
from zoo.picture.frames import number_of_frames, picture_frames
from zoo.picture.image import decode_picture, is_picture
from zoo.picture.pdf import count_pages, draw_page
from zoo.picture.rgb import Picture
from zoo.picture.sources.item import Frame, held
from zoo.picture.sources.options import SourceOptions
from zoo.picture.video import video_frames

#: Opens the content anew, at its beginning.
Opener: TypeAlias = Callable[[], AbstractContextManager[BinaryIO]]

Decoder: TypeAlias = Callable[[BinaryIO, str, int], Iterator[Picture | SourceError]]

Content: TypeAlias = Literal["picture", "PDF document", "video", ""]

#: How many first bytes `recognise` needs.
HEAD_BYTES = CONTAINER_BYTES


def recognise(head: bytes) -> Content:
    """Tells from a file's first `HEAD_BYTES` bytes what it is, "" for none of the accepted formats."""
    if is_picture(head):
        return "picture"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"%PDF-"):
        return "PDF document"
    return "video" if container_of(head) else ""


def content_frames(opener: Opener, options: SourceOptions, name: str) -> Iterator[Frame]:
    """Gives the pictures of a file or of bytes.

    A single picture is opened again when it is read, and so is a PDF document for each page. Frames of what holds
    several are decoded when the walk comes to them, because they build upon those before.

    Args:
        opener: Opens it.
        options: How it is to be read.
        name: What error messages call it.

    Yields:
        Its frames, errors among them.
    """
    try:
        with opener() as file:
            content = recognise(file.read(HEAD_BYTES))
    except (SourceError, OSError):
        # Reading it will say what is wrong, if anything still is.
        content = ""
    if content == "PDF document":
        yield from _pages(opener, options, name)
    elif content == "video":
        yield from _in_turn(opener, video_frames, options, name)
    elif content == "picture" and options.frames == "all":
        yield from _picture_frames(opener, options, name)
    else:
        yield Frame(partial(_read_picture, opener, options, name))


def _picture_frames(opener: Opener, options: SourceOptions, name: str) -> Iterator[Frame]:
    try:
        with opener() as file:
            count = number_of_frames(file, name, options.pixel_limit)
    except SourceError as error:
        yield held(error)
        return
    if count == 1:
        yield Frame(partial(_read_picture, opener, options, name))
    else:
        yield from _in_turn(opener, partial(picture_frames, value_range=options.value_range), options, name)


def _in_turn(opener: Opener, decode_all: Decoder, options: SourceOptions, name: str) -> Iterator[Frame]:
    number = 0
    try:
        with opener() as file:
            for number, outcome in enumerate(decode_all(file, name, options.pixel_limit), 1):
                broken = number == 1 and isinstance(outcome, SourceError)
                yield held(outcome, 0 if broken else number)
    except SourceError as error:
        yield held(error, number + 1 if number else 0)


def _pages(opener: Opener, options: SourceOptions, name: str) -> Iterator[Frame]:
    try:
        with opener() as file:
            count = count_pages(file, name)
    except SourceError as error:
        yield held(error)
        return
    for number in range(1, count + 1):
        yield Frame(partial(_read_page, opener, number, count, options, name), number, "page")


def _read_page(opener: Opener, number: int, count: int, options: SourceOptions, name: str) -> Picture:
    with opener() as file:
        return draw_page(file, number, count, name, options.pixel_limit)


def _read_picture(opener: Opener, options: SourceOptions, name: str) -> Picture:
    with opener() as file:
        return decode_picture(file, name, options.pixel_limit, options.value_range)

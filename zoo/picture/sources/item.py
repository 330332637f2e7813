"""What a source is taken apart into: origins, their frames, and one input for each of these."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from zoo.errors import SourceError, UnsupportedSourceError
from zoo.message import Message
from zoo.picture.rgb import Picture

#: What is accepted, for messages.
ACCEPTED = Message(
    "Accepted are a path, a folder, a pattern, an http(s) address, an array (H, W) or (H, W, 1, 3 or 4), "
    'a PIL image, the bytes of a file, a file opened as "rb", {"img": one of these}, and lists and '
    "iterators of these."
)

#: How an address begins.
URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


@dataclass(eq=False)
class Input:
    """One picture to come.

    Attributes:
        name: What people call it: the stem of the file, of the address's path or of the file object's name, without
            characters that could harm a terminal or a path; or `array_0001`, `image_0001`, `bytes_0001`, `file_0001`
            by its position in the run. A frame or page of several adds its number, `clip_0001`. Not unique.
        uri: The absolute path, the address without user and password, or the name. A frame adds
            `#frame=1`, a page of a PDF document `#page=1`.
        load: What `read` calls.
        note: What part of its file it is, such as "first of 12 frames"; empty where it is all of it. Complete when
            `read` has returned, like the next.
        empty: (H, W), which pixels have no data; None where all have.
    """

    name: str
    uri: str
    load: Callable[[], Picture]
    note: str = ""
    empty: NDArray[np.bool_] | None = None

    def read(self) -> NDArray[np.uint8]:
        """Reads the picture.

        Returns:
            (H, W, 3) RGB uint8, C-contiguous; it may be the caller's own array and must not be written to.

        Raises:
            SourceError: Or one of its kinds, whatever is wrong with this input.
        """
        picture = self.load()
        self.note, self.empty = picture.note, picture.empty
        return picture.pixels

    def identify(self, image: NDArray[np.uint8]) -> str:
        """Returns what tells this input apart from any other of the same name: its path or address or, without one,
        its pixels.

        Args:
            image: What `read` returned.
        """
        if os.path.isabs(self.uri) or URL.match(self.uri):
            return self.uri
        return f"{self.uri}#{hashlib.blake2b(image.data, digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of an origin.

    Attributes:
        read: Returns the picture or raises `SourceError`.
        number: Its number among several, from 1 on; 0 if it is the only one there can be.
        unit: "frame" or "page".
    """

    read: Callable[[], Picture]
    number: int = 0
    unit: str = "frame"


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing that was handed over: a file, an array, an address.

    Attributes:
        kind: What inputs without a name of their own are called.
        frames: Gives its pictures, for the name to use in messages; raises nothing.
        stem: Its own name, if it has one.
        uri: Its path or address, if it has one.
        shown: What messages call it, if not by the generated name.
    """

    kind: str
    frames: Callable[[str], Iterator[Frame]]
    stem: str = ""
    uri: str = ""
    shown: str = ""


def single(read: Callable[[str], Picture]) -> Callable[[str], Iterator[Frame]]:
    """Makes the `frames` of an origin with one picture from its `read`, which takes the name for messages."""

    def frames(name: str) -> Iterator[Frame]:
        yield Frame(lambda: read(name))

    return frames


def held(outcome: Picture | SourceError, number: int = 0, unit: str = "frame") -> Frame:
    """Makes a frame of what is known already."""

    def read() -> Picture:
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    return Frame(read, number, unit)


def refused(
    fact: str,
    hint: str,
    error: type[SourceError] = UnsupportedSourceError,
    *,
    kind: str = "input",
    stem: str = "",
    uri: str = "",
    shown: str = "",
) -> Origin:
    """Makes an origin that is an error when it is read.

    Args:
        fact: What is wrong, to follow its name.
        hint: What helps.
        error: The error.
        kind: As for `Origin`.
        stem: As for `Origin`.
        uri: As for `Origin`.
        shown: As for `Origin`.
    """

    def read(name: str) -> NoReturn:
        raise error("{name} {fact}", hint, name=name, fact=fact)

    return Origin(kind, single(read), stem, uri, shown)


def input_name(name: str) -> str:
    """Returns a file name without its suffix and without what could harm a terminal or a path."""
    stem = os.path.splitext(os.path.basename(name.rstrip("/")))[0]
    return "".join(c if c.isprintable() and c not in "/\\" else "_" for c in stem).lstrip(".")

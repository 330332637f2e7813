"""What an address gives: bytes with what is said of them, or a reason why not; and how long one waits for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zoo.errors import FetchError
from zoo.message import Message

#: Most bytes of one read.
BLOCK = 1 << 18
# Where a page of HTML shows itself, if it is one.
_HEAD = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much.

    Attributes:
        connect: Seconds until a connection is there.
        read: Seconds without a byte after which a connection is given up.
        tries: Requests in a row without new bytes until an address is given up.
        backoff: Seconds of the first wait between two tries; each barren try doubles it.
        longest_wait: Seconds of the longest wait; a server that asks for more is given up.
        largest: Most bytes of a file whose size is not known beforehand.
        slowest: Bytes a second; a connection that stays below it for `read` seconds counts as broken.
        hops: Most redirects in a row.
        checkpoint: Seconds between two notes of how far the part on the disk is proven.
    """

    connect: float = 10.0
    read: float = 30.0
    tries: int = 5
    backoff: float = 1.0
    longest_wait: float = 60.0
    largest: int = 2 << 30
    slowest: float = 256.0
    hops: int = 10
    checkpoint: float = 2.0


class AddressError(Exception):
    """An address did not give the file.

    Attributes:
        reason: Why, as a phrase.
        again: Whether another try may help.
        wait: Seconds to wait before it; None for a wait that grows.
        spoils: Whether what was received so far is worth nothing.
        slow: Whether the bytes it brought came too slowly to count.
        kind: The error to raise when nothing else helps either.
        hint: What the user can do then, or "" when that is the usual.
        unknown_host: The host, of the address or of a proxy, whose name cannot be resolved; mostly "".
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        wait: float | None = None,
        spoils: bool = False,
        slow: bool = False,
        kind: type[FetchError] = FetchError,
        hint: str = "",
        unknown_host: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait = wait
        self.spoils = spoils
        self.slow = slow
        self.kind = kind
        self.hint = hint
        self.unknown_host = unknown_host


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What is being sent.

    Attributes:
        start: Offset of the first byte in the file.
        total: Bytes of the whole file, or None when nobody says.
        ends: Whether a cut would be noticed without knowing the size or digest.
        etag: As sent, or "".
        modified: The date of the file as sent, or "".
        blocks: The bytes, as they come; raises AddressError.
    """

    start: int
    total: int | None
    ends: bool
    etag: str
    modified: str
    blocks: Iterator[bytes]


@contextmanager
def open_file(path: Path) -> Generator[FileAnswer, None, None]:
    """Opens a file of a local mirror.

    Raises:
        AddressError: It is not there, not readable or no regular file.
    """
    try:
        # Opening a FIFO would otherwise wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise AddressError(error.strerror or str(error)) from None
    with open(handle, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise AddressError(Message("it is not a regular file"))
        yield FileAnswer(0, status.st_size, True, "", "", no_html(_read(file)))


def _read(file: BinaryIO) -> Iterator[bytes]:
    try:
        while block := file.read(BLOCK):
            yield block
    except OSError as error:
        raise AddressError(error.strerror or str(error)) from None


def no_html(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Passes blocks on until they turn out to be a page for people; then raises AddressError."""
    head = b""
    for block in blocks:
        if len(head) < _HEAD:
            head += block[: _HEAD - len(head)]
            text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
            if text.startswith(b"<") and (b"<html" in text or b"<!doctype html" in text):
                raise AddressError(Message("got an HTML page instead of the file"), spoils=True)
        yield block

"""Compressed bytes, decompressed as they are read: in small pieces, up to a ceiling, and to the very end."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from zoo.message import Message
from zoo.store.archive.members import damaged, unsafe

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 1 << 16
# The highest preset of xz needs 65 MiB; a header may ask for 4 GiB.
_XZ_MEMORY = 128 << 20


def decompressor(head: bytes) -> Decompressor | None:
    """Returns what decompresses a file with these first bytes (gzip, bzip2 or xz), or None."""
    if head.startswith(b"\x1f\x8b"):
        return Inflate(31)
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor()
    if head.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    return None


def decompressed(
    archive: Path, file: BinaryIO, size: int, machine: Decompressor, ceiling: int, whose: str = "its"
) -> BinaryIO:
    """Returns a stream of what the next bytes of a file decompress to.

    Reading it raises ArchiveError where they are cut, damaged, or go on after the end of their one stream, and
    UnsafeArchiveError above the ceiling.

    Args:
        archive: Name of the file for messages.
        file: It, at the start of the compressed bytes.
        size: Compressed bytes; no more are read.
        machine: What decompresses them.
        ceiling: Bytes they may decompress to.
        whose: Whose data they are, for messages.
    """
    return io.BufferedReader(_Decompressed(archive, file, size, machine, ceiling, whose), _PIECE)


def read(archive: Path, stream: BinaryIO, size: int) -> bytes:
    """Reads `size` bytes, fewer only at the end.

    Raises:
        ArchiveError: The system cannot read the file, or what `decompressed` says.
    """
    try:
        return stream.read(size)
    except OSError as error:
        raise damaged(archive, Message("it cannot be read ({reason})", reason=error.strerror or error)) from error


class Decompressor(Protocol):
    """What bz2 and lzma offer, and `Inflate` for zlib."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached, and its checksum was right."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes without more compressed bytes."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the end of the stream."""
        ...

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Takes compressed bytes, gives at most `max_length` of what they say."""
        ...


class Inflate:
    """A zlib decompressor that can be used as those of bz2 and lzma."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached, and its checksum was right."""
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes without more compressed bytes."""
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the end of the stream."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Takes compressed bytes, gives at most `max_length` of what they say."""
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Decompressed(io.RawIOBase):
    """The stream; see `decompressed`."""

    def __init__(
        self, archive: Path, file: BinaryIO, size: int, machine: Decompressor, ceiling: int, whose: str
    ) -> None:
        super().__init__()
        self._archive, self._file, self._left = archive, file, size
        self._machine, self._ceiling, self._whose = machine, ceiling, whose
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        while not self._machine.eof:
            data = self._compressed() if self._machine.needs_input else b""
            try:
                piece = self._machine.decompress(data, len(target))
            # bz2 raises a bare OSError for data it does not understand.
            except (zlib.error, lzma.LZMAError, OSError) as error:
                raise damaged(
                    self._archive,
                    Message("{whose} data cannot be decompressed ({reason})", whose=self._whose, reason=error),
                ) from error
            self._count += len(piece)
            if self._count > self._ceiling:
                raise unsafe(
                    self._archive,
                    Message(
                        "unpacks {whose} data to more than {ceiling} bytes", whose=self._whose, ceiling=self._ceiling
                    ),
                    Message("No more was expected for its size and by its own account."),
                )
            if piece:
                target[: len(piece)] = piece
                return len(piece)
            if not data and self._machine.needs_input and not self._machine.eof:
                raise damaged(self._archive, Message("{whose} compressed data end in the middle", whose=self._whose))
        if self._machine.unused_data or self._compressed():
            raise damaged(self._archive, Message("bytes follow the end of {whose} compressed data", whose=self._whose))
        return 0

    def _compressed(self) -> bytes:
        data = read(self._archive, self._file, min(self._left, _PIECE))
        self._left -= len(data)
        return data

"""The members of a tar.

`tarfile` takes a broken header, or the end of the file, for the end of the archive, and reads an extended header of a
gigabyte into memory. Here it parses single blocks, and the walk from header to header is our own.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.message import Message
from zoo.store.archive.decompress import read
from zoo.store.archive.members import PIECE, Member, check_mode, damaged, shown_member, unsafe

BLOCK = tarfile.BLOCKSIZE
_EXTENSION = 1 << 16  # bytes of one extended header
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_EXTENDED = {*_LONG_NAMES, tarfile.XHDTYPE, tarfile.XGLTYPE}
_REFUSED = {
    tarfile.SYMTYPE: Message("a symbolic link"),
    tarfile.LNKTYPE: Message("a hard link"),
    tarfile.CHRTYPE: Message("a character device"),
    tarfile.BLKTYPE: Message("a block device"),
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: Message("a sparse file"),
}


def starts_tar(head: bytes) -> bool:
    """Says whether a file starts as a tar does: by the magic number, or the checksum in those older than it."""
    if head.startswith(b"ustar", 257) or (head and not head.strip(b"\0")):
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def tar_members(archive: Path, stream: BinaryIO, ceiling: int, length: int | None) -> Iterator[Member]:
    """Walks a tar from header to header.

    The name and size that count are those of the extended headers (pax `path` and `size`, GNU's long names).

    Args:
        archive: Its name for messages.
        stream: Its bytes, decompressed.
        ceiling: Bytes they may be.
        length: Bytes they are, where that is known.

    Yields:
        Its members; after the last the end mark and all that follows has been checked.

    Raises:
        UnsafeArchiveError: A member is neither a file nor a folder, or larger than allowed.
        ArchiveError: A header is wrong, or the archive is cut before its end mark or goes on after it.
    """
    tar = _Tar(archive, stream)
    extended: dict[str, bytes] = {}
    kinds: set[bytes] = set()
    while header := tar.header():
        if header.type in _EXTENDED:
            # One of each kind, so that they cannot grow without end.
            if header.type in kinds:
                raise damaged(
                    archive, Message("two extended headers of one kind end at byte {offset}", offset=tar.offset)
                )
            kinds.add(header.type)
            extended = _merged(archive, extended, header.type, tar.extension(header))
            continue
        member = _member(archive, header, extended, tar)
        if tar.offset + _padded(member.size) > ceiling:
            raise unsafe(
                archive,
                Message("asks for {size} bytes for {member}", size=member.size, member=shown_member(member.name)),
                Message("At most {limit} bytes in all were expected.", limit=ceiling),
            )
        if length is not None and tar.offset + _padded(member.size) > length:
            left = length - tar.offset
            raise damaged(
                archive,
                Message(
                    "{member} declares {size} bytes, and {left} are left",
                    member=shown_member(member.name),
                    size=member.size,
                    left=left,
                ),
            )
        yield member
        for _ in member.content:
            pass  # What the caller left has to be passed over.
        extended, kinds = {}, kinds & {tarfile.XGLTYPE}
    if extended:
        raise damaged(archive, Message("its last extended header describes no member"))
    tar.finish()


class _Tar:
    """A position in a tar."""

    def __init__(self, archive: Path, stream: BinaryIO) -> None:
        self._archive, self._stream = archive, stream
        self.offset = 0

    def header(self) -> tarfile.TarInfo | None:
        """Reads one block: a header, or None for the first half of the end mark."""
        start = self.offset
        block = self.take(BLOCK)
        if not block.strip(b"\0"):
            return None
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise damaged(
                self._archive, Message("the header at byte {start} is wrong ({reason})", start=start, reason=error)
            ) from error
        if header.size < 0:
            raise damaged(
                self._archive,
                Message("the header at byte {start} declares {size} bytes", start=start, size=header.size),
            )
        if block.startswith(b"ustar  ", 257) and block[345:500].strip(b"\0") and header.isreg():
            # GNU keeps times and the map of a sparse file there; tarfile takes them for the front of a name.
            raise damaged(
                self._archive, Message("the header at byte {start} is that of an incremental backup", start=start)
            )
        return header

    def extension(self, header: tarfile.TarInfo) -> dict[str, bytes]:
        """Reads the content of an extended header."""
        if header.size > _EXTENSION:
            raise unsafe(
                self._archive,
                Message("has an extended header of {size} bytes", size=header.size),
                Message("At most {limit} were expected.", limit=_EXTENSION),
            )
        content = self.take(_padded(header.size))[: header.size]
        if header.type in _LONG_NAMES:
            return {_LONG_NAMES[header.type]: content.rstrip(b"\0")}
        try:
            return _records(content)
        except ValueError as error:
            raise damaged(
                self._archive, Message("the extended header before byte {offset} cannot be read", offset=self.offset)
            ) from error

    def content(self, size: int) -> Iterator[bytes]:
        """Reads what a member holds, and its padding."""
        for start in range(0, size, PIECE):
            yield self.take(min(PIECE, size - start))
        self.take(_padded(size) - size)

    def finish(self) -> None:
        """Checks the second half of the end mark, and that only padding follows."""
        if self.take(BLOCK).strip(b"\0"):
            raise damaged(self._archive, Message("its end mark before byte {offset} is not whole", offset=self.offset))
        while rest := read(self._archive, self._stream, PIECE):
            if rest.strip(b"\0"):
                raise damaged(self._archive, Message("bytes follow its end mark"))

    def take(self, size: int) -> bytes:
        """Reads so many bytes and not one less."""
        data = read(self._archive, self._stream, size)
        self.offset += len(data)
        if len(data) != size:
            raise damaged(self._archive, Message("it is cut at byte {offset}", offset=self.offset))
        return data


def _merged(archive: Path, extended: dict[str, bytes], kind: bytes, records: dict[str, bytes]) -> dict[str, bytes]:
    """Adds what an extended header says about the next member."""
    if any(key.startswith("GNU.sparse.") for key in records):
        raise unsafe(archive, Message("holds a sparse file"), Message("Only regular files and folders were expected."))
    if kind == tarfile.XGLTYPE:
        if records.keys() & {"path", "linkpath", "size"}:
            raise unsafe(
                archive, Message("gives many members one name or size"), Message("One for each member was expected.")
            )
        return extended
    if records.keys() & extended.keys():
        raise damaged(archive, Message("a member is described twice"))
    return extended | records


def _member(archive: Path, header: tarfile.TarInfo, extended: dict[str, bytes], tar: _Tar) -> Member:
    name = extended["path"].decode("utf-8", "surrogateescape") if "path" in extended else header.name
    size = header.size
    if "size" in extended:
        if not extended["size"].isdigit() or len(extended["size"]) > 20:
            raise damaged(archive, Message("{name} has no number for its size", name=shown_member(name)))
        size = int(extended["size"])
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE):
        kind = _REFUSED.get(header.type, Message("of the unknown kind {type!r}", type=header.type))
        raise unsafe(
            archive,
            Message("holds {name}, {kind}", name=shown_member(name), kind=kind),
            Message("Only regular files and folders were expected."),
        )
    if header.isdir() and size:
        raise damaged(
            archive, Message("the folder {name} declares {size} bytes of its own", name=shown_member(name), size=size)
        )
    if not header.isdir():
        check_mode(archive, name, header.mode)
    return Member(name, header.isdir(), size, tar.content(size))


def _records(data: bytes) -> dict[str, bytes]:
    """Reads pax records: `LENGTH KEY=VALUE` and a newline each, the length being that of the whole record.

    Raises:
        ValueError: They are anything else, or give a key twice.
    """
    records: dict[str, bytes] = {}
    start = 0
    while start < len(data):
        space = data.index(b" ", start, start + 8)
        end = start + int(data[start:space])
        record = data[space + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        name = key.decode()
        if not data[start:space].isdigit() or end > len(data) or not record.endswith(b"\n") or not equals:
            raise ValueError(Message("no record"))
        if name in records:
            raise ValueError(Message("a key stands twice"))
        records[name] = value
        start = end
    return records


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK

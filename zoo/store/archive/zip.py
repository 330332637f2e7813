"""The members of a zip.

`zipfile` cuts off what a member unpacks to beyond its declared size, and lets members share bytes. Here it reads the
list of members only: what the list says is checked, and the members are read, by us.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.message import Message
from zoo.store.archive.decompress import Inflate, decompressed, read
from zoo.store.archive.members import PIECE, Member, check_mode, damaged, shown_member, unsafe

_LIST = 4 << 20  # bytes of the list of members
_IS_UTF8, _HAS_SIZES_BEHIND, _IS_ENCRYPTED = 0x800, 0x8, 0x1
_EMPTY_LIST_END = 22  # bytes of the record that ends the file, without its comment


def zip_members(archive: Path, file: BinaryIO, size: int, ceiling: int) -> list[Member]:
    """Lists the members of a zip.

    Args:
        archive: Its path.
        file: It, opened.
        size: Its bytes.
        ceiling: Bytes it may unpack to.

    Returns:
        All its members. Their contents may be read once each, in this order.

    Raises:
        UnsafeArchiveError: A member is encrypted, neither a file nor a folder, or shares bytes with another; bytes
            belong to no member; or they unpack to more than allowed.
        ArchiveError: It is damaged, or compressed in a way that is not read.
    """
    listed, end = _listed(archive, file, size)
    needed = sum(info.file_size for info in listed)
    if needed > ceiling:
        raise unsafe(
            archive,
            Message("asks for {needed} bytes", needed=needed),
            Message("At most {limit} bytes in all were expected.", limit=ceiling),
        )

    # Every byte belongs to one member: none is read twice, none is hidden, and every program sees the same members.
    starts: dict[int, int] = {}
    position, gaps = 0, (0,)
    for info in sorted(listed, key=lambda info: info.header_offset):
        if info.header_offset - position not in gaps:
            raise unsafe(
                archive,
                Message(
                    "has {member} at byte {offset}, not behind what ends at {position}",
                    member=shown_member(info.orig_filename),
                    offset=info.header_offset,
                    position=position,
                ),
                Message("Members one behind the other were expected."),
            )
        starts[info.header_offset] = _checked_start(archive, file, info)
        position = starts[info.header_offset] + info.compress_size
        # Its sizes may stand behind the data, in four lengths.
        gaps = (12, 16, 20, 24) if info.flag_bits & _HAS_SIZES_BEHIND else (0,)
    if end - position not in gaps:
        raise unsafe(
            archive,
            Message(
                "has its list of members at byte {end}, not behind the last one, which ends at {position}",
                end=end,
                position=position,
            ),
            Message("No other bytes were expected."),
        )
    members: list[Member] = []
    for info in listed:
        content = _content(archive, file, starts[info.header_offset], info)
        members.append(Member(info.orig_filename, info.orig_filename.endswith("/"), info.file_size, content))
    return members


def _listed(archive: Path, file: BinaryIO, size: int) -> tuple[list[zipfile.ZipInfo], int]:
    """Reads the list of members; returns it and where it starts."""
    try:
        with _ShortReads(archive) as short, zipfile.ZipFile(short) as listing:
            listed, start, comment = listing.infolist(), listing.start_dir, listing.comment
    except UnicodeDecodeError as error:
        raise unsafe(
            archive, Message("holds a name that is not UTF-8"), Message("Names in UTF-8 were expected.")
        ) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError) as error:
        raise damaged(archive, Message("its list of members cannot be read ({reason})", reason=error)) from error
    file.seek(max(0, size - len(comment) - _EMPTY_LIST_END))
    if read(archive, file, 4) != b"PK\x05\x06":
        raise damaged(archive, Message("bytes follow its end"))
    return listed, start


class _ShortReads(io.FileIO):
    """A file that refuses to read a list of members of any length into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LIST:
            raise zipfile.BadZipFile(Message("it has {size} bytes; at most {limit} are read", size=size, limit=_LIST))
        return super().read(size)


def _checked_start(archive: Path, file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Compares the list with the member's own header; returns where the data of the member start."""
    name = info.orig_filename
    file.seek(info.header_offset)
    header = read(archive, file, 30)
    if len(header) != 30 or not header.startswith(b"PK\x03\x04"):
        raise damaged(
            archive,
            Message(
                "the header of {name} at byte {offset} is wrong",
                name=shown_member(name),
                offset=info.header_offset,
            ),
        )
    flags, method = struct.unpack_from("<HH", header, 6)
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    is_utf8 = bool(info.flag_bits & _IS_UTF8)
    own_name = read(archive, file, name_size)
    if own_name != name.encode("utf-8" if is_utf8 else "cp437"):
        raise unsafe(
            archive,
            Message("has two names for {name}", name=shown_member(name)),
            Message("One for each member was expected."),
        )
    if not is_utf8 and not name.isascii():
        raise unsafe(
            archive,
            Message("holds {name}, whose name is not UTF-8", name=shown_member(name)),
            Message("Names in UTF-8 were expected."),
        )
    if (flags | info.flag_bits) & _IS_ENCRYPTED:
        raise unsafe(
            archive,
            Message("holds {name}, which is encrypted", name=shown_member(name)),
            Message("Members without a password were expected."),
        )
    if method != info.compress_type or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged(
            archive,
            Message(
                "{name} is compressed by method {method}; stored (0) and deflated (8) are read",
                name=shown_member(name),
                method=method,
            ),
        )
    if method == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise damaged(
            archive,
            Message(
                "{name} declares {file_size} bytes and has {size}",
                name=shown_member(name),
                file_size=info.file_size,
                size=info.compress_size,
            ),
        )
    _check_kind(archive, info)
    return info.header_offset + 30 + name_size + extra_size


def _check_kind(archive: Path, info: zipfile.ZipInfo) -> None:
    name, mode = info.orig_filename, info.external_attr >> 16
    is_folder = name.endswith("/")
    if stat.S_IFMT(mode) not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        kind = (
            Message("a symbolic link")
            if stat.S_ISLNK(mode)
            else Message("of the kind {mode!r}", mode=stat.filemode(mode)[0])
        )
        raise unsafe(
            archive,
            Message("holds {name}, {kind}", name=shown_member(name), kind=kind),
            Message("Only regular files and folders were expected."),
        )
    if is_folder and info.file_size:
        raise damaged(
            archive,
            Message(
                "the folder {name} declares {file_size} bytes of its own",
                name=shown_member(name),
                file_size=info.file_size,
            ),
        )
    if not is_folder:
        check_mode(archive, name, mode)


def _content(archive: Path, file: BinaryIO, start: int, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Reads what a member holds, and compares size and checksum."""
    name, left, checksum = shown_member(info.orig_filename), info.file_size, 0
    file.seek(start)
    stream = file
    if info.compress_type == zipfile.ZIP_DEFLATED:
        stream = decompressed(archive, file, info.compress_size, Inflate(-15), info.file_size, f"{name}'s")
    while left:
        piece = read(archive, stream, min(left, PIECE))
        if not piece:
            raise damaged(archive, Message("{name} has {left} bytes less than it declares", name=name, left=left))
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
        yield piece
    if stream is not file:
        read(archive, stream, 1)  # Raises if anything is left, compressed or not.
    if checksum != info.CRC:
        raise damaged(archive, Message("{name} has not the checksum it declares", name=name))

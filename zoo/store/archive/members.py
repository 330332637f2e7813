"""What an archive may hold: plain files and folders with names that mean the same file everywhere."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ArchiveError, UnsafeArchiveError
from zoo.message import Message, printable

#: Contents come in pieces of at most so many bytes.
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may ask for.

    Attributes:
        members: Files and folders, also those folders that only stand in the names of files.
        total: Bytes unpacked; of a tar with its headers.
        ratio: Bytes unpacked for one byte of the archive.
        floor: Bytes unpacked that are fine at any ratio.
        depth: Parts of a name, as in `depth/of/three`.
        part: Bytes of one part of a name, in UTF-8.
        name: Bytes of a whole name, in UTF-8.
    """

    members: int = 2000
    total: int = 2 << 30
    ratio: int = 20
    floor: int = 2 << 20
    depth: int = 32
    part: int = 255
    name: int = 1024

    def ceiling(self, size: int) -> int:
        """Returns the bytes an archive of `size` bytes may unpack to."""
        return min(self.total, max(self.floor, self.ratio * size))


DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder as its archive describes it.

    Attributes:
        name: As it is spelled there, unchecked; lone surrogates stand for bytes that are not UTF-8.
        is_folder: A folder has no content.
        size: Declared bytes of content.
        content: Exactly so many bytes, or an error; of a tar to be read before the next member is asked for.
    """

    name: str
    is_folder: bool
    size: int
    content: Iterator[bytes]


class Names:
    """The names of one archive, checked one by one before anything is written."""

    def __init__(self, archive: Path, limits: ArchiveLimits) -> None:
        self._archive, self._limits, self._count = archive, limits, 0
        # A name in the one spelling of all that some file system takes for the same: the spelling met, and its kind.
        self._taken: dict[str, tuple[str, bool]] = {}
        self._listed: set[str] = set()

    def add(self, member: Member) -> tuple[str, ...]:
        """Checks the name of the next member.

        Returns:
            Its parts; none for the root folder itself (`./`).

        Raises:
            UnsafeArchiveError: It leads outside, cannot stand beside an earlier one, or is one too many.
        """
        self._count += 1
        parts = self._parts(member)
        for depth in range(1, len(parts) + 1):
            self._take(parts[:depth], is_folder=member.is_folder or depth < len(parts))
        # A folder that is listed twice is still one folder; of a file, programs would take one or the other.
        if not member.is_folder:
            key = _folded("/".join(parts))
            if key in self._listed:
                raise self._refusal(member.name, "twice")
            self._listed.add(key)
        if max(self._count, len(self._taken)) > self._limits.members:
            raise unsafe(
                self._archive,
                Message("holds more than {limit} files and folders", limit=self._limits.members),
                Message("A model has a few dozen at most."),
            )
        return parts

    def _parts(self, member: Member) -> tuple[str, ...]:
        name, limits = member.name, self._limits
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise self._refusal(name, Message("whose name is not UTF-8")) from None
        if size > limits.name:
            raise self._refusal(
                name, Message("whose name has {size} bytes, more than {limit}", size=size, limit=limits.name)
            )
        if not name.isprintable():
            raise self._refusal(name, Message("whose name has characters that cannot be printed"))
        spelled = (name.removesuffix("/") if member.is_folder else name).split("/")
        if name.startswith("/") or "\\" in name or any(re.match("[A-Za-z]:", part) for part in spelled):
            raise self._refusal(name, Message("an absolute name, or one with a drive or a backslash"))
        if "" in spelled or ".." in spelled:
            raise self._refusal(name, Message("whose name has an empty part or the part '..'"))
        parts = tuple(part for part in spelled if part != ".")
        if not parts and not member.is_folder:
            raise self._refusal(name, Message("a file without a name"))
        if len(parts) > limits.depth:
            raise self._refusal(
                name, Message("nested {count} deep, more than {limit}", count=len(parts), limit=limits.depth)
            )
        if any(len(part.encode()) > limits.part for part in parts):
            raise self._refusal(name, Message("whose name has a part of more than {limit} bytes", limit=limits.part))
        return parts

    def _take(self, parts: tuple[str, ...], is_folder: bool) -> None:
        path = "/".join(parts)
        spelling, was_folder = self._taken.setdefault(_folded(path), (path, is_folder))
        if spelling != path:
            raise self._refusal(
                path, Message("which some systems take for {spelling}", spelling=shown_member(spelling))
            )
        if was_folder != is_folder:
            raise self._refusal(path, Message("as a file and as a folder"))

    def _refusal(self, name: str, reason: str) -> UnsafeArchiveError:
        return unsafe(
            self._archive,
            Message("holds {name}, {reason}", name=shown_member(name), reason=reason),
            Message("Names of their own inside its folder were expected."),
        )


def check_mode(archive: Path, name: str, mode: int) -> None:
    """Refuses a file that would run with the rights of somebody else; all other modes are ignored.

    Raises:
        UnsafeArchiveError: The mode has the setuid or setgid bit.
    """
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise unsafe(
            archive,
            Message("holds {name}, a setuid or setgid file", name=shown_member(name)),
            Message("Plain files were expected."),
        )


def damaged(archive: Path, reason: str) -> ArchiveError:
    """Returns the error for an archive that is not whole."""
    return ArchiveError(
        "The archive {archive} is damaged: {reason}. A whole tar or zip archive was expected.",
        "Nothing was unpacked. Download it again; if nothing changes, tell its publisher.",
        archive=archive,
        reason=reason,
    )


def unsafe(archive: Path, request: str, expected: str) -> UnsafeArchiveError:
    """Returns the error for an archive that asks for what no model needs."""
    return UnsafeArchiveError(
        "The archive {archive} {request}. {expected}",
        "Nothing was unpacked. Do not use this archive; tell its publisher.",
        archive=archive,
        request=request,
        expected=expected,
    )


def shown_member(name: str) -> str:
    """Returns the name of a member, quoted, safe to print and not too long."""
    return f"'{printable(name[:200])}{'...' if len(name) > 200 else ''}'"


def _folded(path: str) -> str:
    """Makes names equal that a file system may take for one: by case, or by how an accent is spelled."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())

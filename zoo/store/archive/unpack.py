"""Unpacks a model archive into a folder, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.errors import ArchiveError, CacheError
from zoo.message import Message
from zoo.store.archive.decompress import decompressed, decompressor, read
from zoo.store.archive.members import DEFAULT_LIMITS, ArchiveLimits, Member, Names, damaged, shown_member
from zoo.store.archive.tar import BLOCK, starts_tar, tar_members
from zoo.store.archive.zip import zip_members

_LOG = logging.getLogger("zoo")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EXPECTED = Message("A tar (plain, gz, bz2 or xz) or zip archive was expected.")
_APPLE_DOUBLE, _DS_STORE = b"\x00\x05\x16\x07", b"\x00\x00\x00\x01Bud1"


def unpack(
    archive: Path,
    folder: Path,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    only: Callable[[str], bool] = lambda name: True,
) -> tuple[str, ...]:
    """Unpacks an archive from a stranger.

    Tars (plain, gzip, bzip2 or xz of one stream) and zips (stored or deflated) are told by their first bytes, whatever
    they are called. They may hold regular files and folders with plain names, and nothing else. Owners, times and modes
    are ignored: files become 0644, folders 0755. Folders without a file in them are not made.

    If all files lie under one top folder, as in `PP-LiteSeg-T_infer/inference.pdmodel`, it is taken off (once);
    otherwise names stay as they are. Files that macOS adds (`.DS_Store`, and `._x`, often below `__MACOSX`) are checked
    like all others, but left out, with a line in the log. They are told by name and first bytes together, so a `._x` of
    the model's own is kept.

    The files are written to a temporary folder beside `folder`, flushed to the disk, and get their place by one rename.
    If anything fails, nothing is left behind.

    Args:
        archive: The archive.
        folder: The folder to be made. It does not exist; its parent does.
        limits: What the archive may ask for.
        only: Whether a file is wanted, by its name in the archive with `/` between the parts. The others are checked as
            well, as far as that needs no reading in a zip.

    Returns:
        Names of the files, relative to `folder`, with `/` between their parts, sorted.

    Raises:
        UnsafeArchiveError: The archive asks for what no model needs, or for more than the limits.
        ArchiveError: It is damaged, cut, goes on after its end, holds no file, or is not an archive.
        CacheError: `folder` exists, or cannot be written to, or the disk is full.
    """
    if os.path.lexists(folder):
        raise CacheError(
            "{folder} is there already. A new name was expected.",
            "Remove it, or unpack to another place.",
            folder=folder,
        )
    with _open(archive) as file:
        try:
            work = Path(tempfile.mkdtemp(prefix=".zoo-", dir=folder.parent))
        except OSError as error:
            raise _unwritable(folder, error, Message("a folder")) from error
        try:
            names = _unpack_checked(_checked(archive, file, limits), work, folder, only)
            if not names:
                raise damaged(archive, Message("it holds no files"))
            top = _top_folder(names)
            _publish(work / top, folder)
        except OSError as error:  # those of reading have become ArchiveError
            raise _unwritable(folder, error, Message("its folders")) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return tuple(sorted(name.removeprefix(f"{top}/") if top else name for name in names))


def _open(archive: Path) -> BinaryIO:
    try:
        # Opening a FIFO would wait for ever.
        if stat.S_ISREG(archive.stat().st_mode):
            return open(archive, "rb")
        reason = Message("it is not a file")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    raise ArchiveError(
        "{archive} cannot be opened: {reason}. {expected}",
        "Give the path of an archive you can read.",
        archive=archive,
        reason=reason,
        expected=_EXPECTED,
    )


def _checked(archive: Path, file: BinaryIO, limits: ArchiveLimits) -> Iterable[tuple[tuple[str, ...], Member]]:
    """Yields the members with the parts of their names; each is checked before it comes, those of a zip all at once."""
    size = os.fstat(file.fileno()).st_size
    head = read(archive, file, BLOCK)
    file.seek(0)
    names = Names(archive, limits)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return [(names.add(member), member) for member in zip_members(archive, file, size, limits.ceiling(size))]
    if (machine := decompressor(head)) is not None:
        ceiling = limits.ceiling(size)
        members = tar_members(archive, decompressed(archive, file, size, machine, ceiling), ceiling, None)
    elif starts_tar(head):
        members = tar_members(archive, file, limits.total, size)
    else:
        raise ArchiveError(
            "{archive} is {kind}. {expected}",
            "Download it again; if nothing changes, check the address it comes from.",
            archive=archive,
            kind=_kind(head),
            expected=_EXPECTED,
        )
    return ((names.add(member), member) for member in members)


def _kind(head: bytes) -> str:
    if not head:
        return "empty"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_page = text.startswith(b"<") and (b"<!doctype html" in text or b"<html" in text)
    return Message("an HTML page") if is_page else Message("not a tar or zip archive")


def _unpack_checked(
    members: Iterable[tuple[tuple[str, ...], Member]], work: Path, folder: Path, only: Callable[[str], bool]
) -> list[str]:
    """Writes the files to the folder `work`; returns their names."""
    names: list[str] = []
    needed = 0
    for parts, member in members:
        if not member.is_folder and not only("/".join(parts)):
            continue
        head = next(member.content, b"")
        if member.is_folder or _is_litter(parts, head):
            for _ in member.content:
                pass  # The checks come with the reading.
            if not member.is_folder:
                _LOG.info("%s was left out: macOS made it", shown_member(member.name))
            continue
        needed += member.size
        try:
            _write(work, parts, head, member.content)
        except OSError as error:
            raise _unwritable(
                folder,
                error,
                Message("{member}, {needed} bytes with the files before it,", member=member.name, needed=needed),
            ) from error
        names.append("/".join(parts))
    return names


def _is_litter(parts: tuple[str, ...], head: bytes) -> bool:
    """Says whether macOS made a file; by its content too, because a model may have files of such names."""
    is_store = parts[-1:] == (".DS_Store",) and head.startswith(_DS_STORE)
    return is_store or (bool(parts) and parts[-1].startswith("._") and head.startswith(_APPLE_DOUBLE))


def _write(work: Path, parts: tuple[str, ...], head: bytes, content: Iterator[bytes]) -> None:
    target = work
    for part in parts[:-1]:
        target /= part
        if not target.exists():
            target.mkdir()
            target.chmod(0o755)
    # "x": the file is new, so nothing can lead anywhere else.
    with open(target / parts[-1], "xb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(head)
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _top_folder(names: list[str]) -> str:
    """Returns the folder all files lie in, else an empty text."""
    tops = {name.partition("/")[0] for name in names}
    return tops.pop() if len(tops) == 1 and all("/" in name for name in names) else ""


def _publish(made: Path, folder: Path) -> None:
    """Flushes the folders to the disk, then gives the uppermost its name."""
    made.chmod(0o755)
    for place, _, _ in os.walk(made):
        _flush(Path(place))
    os.rename(made, folder)
    # The files are whole by now; only how soon the new name would survive a power cut is left to the system.
    with contextlib.suppress(OSError):
        _flush(folder.parent)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError, what: str) -> CacheError:
    if error.errno in _NO_ROOM:
        free = ""
        with contextlib.suppress(OSError):
            free = Message(" {free} bytes are free there.", free=shutil.disk_usage(folder.parent).free)
        return CacheError(
            "There is no room in {folder} for {what} ({reason}).{free} Room for the whole model was expected.",
            "Nothing was kept. Make room, or set ZOO_HOME to a folder on another disk.",
            folder=folder.parent,
            what=what,
            reason=error.strerror,
            free=free,
        )
    return CacheError(
        "{folder} cannot be written: {reason}. A writable folder was expected.",
        "Correct its permissions, or set ZOO_HOME to another folder.",
        folder=folder,
        reason=error.strerror or error,
    )

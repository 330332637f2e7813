"""What a built file holds, a wheel and a source distribution alike."""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import RawMetadata, parse_email


@dataclass(frozen=True)
class Archive:
    """A built file, read whole.

    Attributes:
        name: The name of the file.
        files: By name, what is in it.
        odd: What is neither a plain file nor a folder, or lies outside.
        times: Every time of a member, in seconds since 1970; none of a wheel, which has no zone.
        owners: Every user and group that a member names.
    """

    name: str
    files: dict[str, bytes]
    odd: tuple[str, ...]
    times: frozenset[int]
    owners: frozenset[tuple[int, str]]


def read_wheel(path: Path) -> Archive:
    """Reads a wheel.

    Raises:
        zipfile.BadZipFile: It is damaged.
    """
    with zipfile.ZipFile(path) as file:
        files = {name: file.read(name) for name in file.namelist() if not name.endswith("/")}
        # The upper bits of the rights say what a member is: 0o10 a plain file, 0 was not said.
        odd = [each.filename for each in file.infolist() if (each.external_attr >> 28) not in (0, 0o10, 0o4)]
    return Archive(path.name, files, (*odd, *_outside(files)), frozenset(), frozenset())


def read_sdist(path: Path) -> Archive:
    """Reads a source distribution; the names have no leading folder, which is the same for all.

    Raises:
        tarfile.TarError: It is damaged.
    """
    files: dict[str, bytes] = {}
    odd: list[str] = []
    stem = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as file:
        members = file.getmembers()
        for member in members:
            top, _, name = member.name.partition("/")
            content = file.extractfile(member) if member.isfile() else None
            if content is not None and top == stem and name:
                files[name] = content.read()
            elif not member.isdir():
                odd.append(member.name)
    owners = frozenset(each for one in members for each in ((one.uid, one.uname), (one.gid, one.gname)))
    times = frozenset(int(member.mtime) for member in members)
    return Archive(path.name, files, (*odd, *_outside(files)), times, owners)


def _outside(files: dict[str, bytes]) -> list[str]:
    return [name for name in files if name.startswith("/") or ".." in name.split("/") or "\\" in name]


def read_metadata(content: bytes) -> tuple[RawMetadata, list[str]]:
    """Reads METADATA or PKG-INFO.

    Returns:
        The fields, and the names of those that no standard knows or that cannot be read.
    """
    fields, unknown = parse_email(content)
    return fields, sorted(unknown)

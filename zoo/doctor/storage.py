"""The cache folder and the disk it lies on."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zoo.base.home import CALIBRATIONS, home, kept_below
from zoo.doctor.findings import Finding
from zoo.engine.trial import CHOICE_SUFFIX
from zoo.errors import CacheError
from zoo.message import Message

#: The largest model of the catalogue takes a quarter of it, and twice that while its archive is unpacked.
_LITTLE = 1_000_000_000
_MOVE = Message("Run: export ZOO_HOME=FOLDER  with a folder you can write to")


def cache() -> Iterator[Finding]:
    """Looks at the place of the cache, whether it can be used, its size and the space around it. Makes nothing."""
    try:
        place = home()
    except CacheError as error:
        yield Finding("cache", "folder", error.message, "problem", _MOVE)
        return
    yield _folder(place)
    if os.path.isdir(place):
        yield _size(place)
        yield from _optimized()
    yield _disk(place)


def _folder(place: Path) -> Finding:
    existing = _existing(place)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(place)
    except OSError as error:
        return Finding(
            "cache",
            "folder",
            Message("{place} cannot be used: {reason}", place=place, reason=error.strerror or error),
            "problem",
            _MOVE,
        )
    try:
        # Permissions alone do not tell: the disk may be mounted for reading only. Such a file has no name and is gone
        # when it is closed.
        with tempfile.TemporaryFile(prefix=".zoo-", dir=existing):
            pass
    except OSError as error:
        fault = (
            Message("is not a folder")
            if not os.path.isdir(existing)
            else Message("is not writable: {reason}", reason=error.strerror or error)
        )
        value = (
            Message("{place} {reason}", place=place, reason=fault)
            if existing == place
            else Message("{place} cannot be made: {existing} {reason}", place=place, existing=existing, reason=fault)
        )
        return Finding("cache", "folder", value, "problem", _MOVE)
    value = (
        Message("{place}, writable", place=place)
        if existing == place
        else Message("{place}, will be made when it is needed", place=place)
    )
    if not place.is_absolute():
        return Finding(
            "cache", "folder", Message("{value}; another one in every current folder", value=value), "note", _MOVE
        )
    return Finding("cache", "folder", value)


def _existing(place: Path) -> Path:
    """Returns the path itself or the nearest of its parents that exists; a dangling link exists."""
    return next((path for path in (place, *place.parents) if os.path.lexists(path)), Path())


def _size(place: Path) -> Finding:
    files = size = 0
    unreadable: list[OSError] = []
    for folder, _, names in os.walk(place, onerror=unreadable.append):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:  # gone since it was listed
                continue
            if stat.S_ISREG(found.st_mode):
                files += 1
                size += found.st_size
    value = Message("{size:.1f} MB, number of files: {files}", size=size / 1e6, files=files)
    if unreadable:
        first = unreadable[0]
        return Finding(
            "cache",
            "size",
            Message(
                "at least {size}; {count} folders cannot be read, such as {folder}: {reason}",
                size=value,
                count=len(unreadable),
                folder=first.filename,
                reason=first.strerror,
            ),
            "note",
            Message("Correct their permissions."),
        )
    return Finding("cache", "size", value)


def _optimized() -> Iterator[Finding]:
    """Counts what `zoo optimize` found, which changes how models run."""
    calibrations, choices = (len(kept_below(pattern)) for pattern in (CALIBRATIONS, f"engines/*{CHOICE_SUFFIX}"))
    if calibrations or choices:
        value = Message(
            "choices: {choices}, int8 calibrations: {calibrations}", choices=choices, calibrations=calibrations
        )
        yield Finding("cache", "zoo optimize", value)


def _disk(place: Path) -> Finding:
    existing = _existing(place)
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding("cache", "disk", Message("free space unknown: {reason}", reason=error.strerror or error), "note")
    value = Message("{free:.1f} GB free", free=free / 1e9)
    if free < _LITTLE:
        return Finding(
            "cache", "disk", value, "note", Message("Make room, or run: export ZOO_HOME=FOLDER  on another disk")
        )
    return Finding("cache", "disk", value)

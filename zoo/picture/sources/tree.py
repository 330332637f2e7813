"""Folders and patterns -> the files in them, in order and each once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from zoo.base.files import user_path

#: What makes a path a pattern.
MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was met on the way.

    Attributes:
        path: Where.
        fate: A file; a folder that was entered, that was not, or that cannot be listed.
        reason: Why it cannot.
    """

    path: str
    fate: Literal["file", "entered", "passed", "closed"]
    reason: str = ""


def visit(folder: str, recursive: bool) -> Iterator[Entry]:
    """Walks through a folder, by the bytes of the names, without hidden files; sub-folders come at their place.

    Links to folders are followed, but no folder is entered twice: links may lead in circles.

    Args:
        folder: The folder, which comes first.
        recursive: Whether to enter its sub-folders.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):
            yield Entry(path, "file")
        elif path != folder and not recursive:
            yield Entry(path, "passed")
        else:
            try:
                status = os.stat(path)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                names = _names(path)
            except OSError as error:
                yield Entry(path, "closed", error.strerror or str(error))
            else:
                yield Entry(path, "entered")
                waiting += [os.path.join(path, name) for name in reversed(names)]


def matches(pattern: str) -> list[Entry]:
    """Finds what a pattern stands for: `*`, `?` and `[...]` within a name, `**` for any folders between.

    Hidden names are matched only by a part that begins with a dot. A name that is really spelt so wins over what it
    would match. This is not `glob.glob`, which goes through a folder once for every path that leads there: two links
    in a circle keep it busy for ever.

    Returns:
        The files, by their path's names, each once; folders it matches, and those that cannot be listed.
    """
    start, parts = ("/", pattern.lstrip("/")) if pattern.startswith("/") else ("", pattern)
    parts = re.sub(r"(?<![^/])(?:\*\*/)+(?=\*\*(?:/|$))", "", re.sub("/+", "/", parts))
    found = set(_match(start, parts.split("/")))
    return sorted(found, key=lambda entry: os.fsencode(entry.path).split(b"/"))


def roots_of(source: object) -> Iterator[str]:
    """Yields the folders that a source names, absolute: those it consists of, and where its patterns begin."""
    if isinstance(source, (list, tuple, Mapping)):
        members = source.values() if isinstance(source, Mapping) else source
        for member in cast("Iterable[object]", members):
            yield from roots_of(member)
    elif isinstance(source, (str, os.PathLike)):
        path = user_path(cast("str | os.PathLike[str]", source))
        if os.path.isdir(path):
            yield os.path.abspath(path)
        elif (magic := MAGIC.search(path)) and not os.path.lexists(path):
            yield os.path.abspath(os.path.dirname(path[: magic.start()]))


def _match(folder: str, parts: list[str]) -> Iterator[Entry]:
    part, *rest = parts
    literal = os.path.join(folder, part)
    if not MAGIC.search(part) or os.path.lexists(literal):
        if rest:
            yield from _match(literal, rest) if os.path.isdir(literal) else ()
        elif os.path.lexists(literal):
            yield Entry(literal, "passed" if os.path.isdir(literal) else "file")
        return
    if part == "**":
        for entry in visit(folder or ".", recursive=True):
            path = entry.path if folder else entry.path[2:]
            if entry.fate == "entered" and rest:
                yield from _match(path, rest)
            elif entry.fate == "closed" or (entry.fate == "file" and not rest):
                yield Entry(path, entry.fate, entry.reason)
        return
    try:
        names = _names(folder or ".", hidden=part.startswith("."))
    except OSError as error:
        yield Entry(folder, "closed", error.strerror or str(error))
        return
    for name in names:
        path = os.path.join(folder, name)
        if fnmatchcase(name, part):
            if rest:
                yield from _match(path, rest) if os.path.isdir(path) else ()
            else:
                yield Entry(path, "passed" if os.path.isdir(path) else "file")


def _names(folder: str, hidden: bool = False) -> list[str]:
    return sorted((name for name in os.listdir(folder) if hidden or not name.startswith(".")), key=os.fsencode)

"""What the cache holds, and keeping it in order."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path

from zoo.errors import CacheError, FetchError, ModelNotFoundError
from zoo.message import Message
from zoo.registry import find_model
from zoo.registry.names import fold
from zoo.registry.records import Record
from zoo.store.artifact import FetchOptions
from zoo.store.model_files import model_files
from zoo.store.store import DamagedError, Store

#: Unfinished downloads and temporary folders younger than this may still be in use.
FRESH = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Files of a model in the cache.

    Attributes:
        record: What is known of them.
        size: Bytes on the disk.
        used: Last use, seconds since 1970.
    """

    record: Record
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something in the cache that no model needs.

    Attributes:
        path: The file or folder.
        size: Bytes.
        what: "unfinished download", "unfinished folder" or "files of no model".
    """

    path: Path
    size: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of looking at one entry.

    Attributes:
        key: The artifact.
        model: Name of the model; empty where the record is damaged.
        kind: Kind of its files; empty where the record is damaged.
        fault: What is wrong; empty when nothing is.
        repair: What was done about it; empty when nothing was.
        whole: Whether it is whole now.
    """

    key: str
    model: str
    kind: str
    fault: str = ""
    repair: str = ""
    whole: bool = True


def cached(store: Store) -> list[CacheEntry]:
    """Lists the models in the cache.

    Raises:
        CacheError: A record is damaged.
    """
    entries: list[CacheEntry] = []
    for record in store.records():
        place = store.trees / record.tree
        with contextlib.suppress(FileNotFoundError):
            entries.append(CacheEntry(record, tree_size(place), place.stat().st_mtime))
    return entries


def forgotten(store: Store) -> list[CacheEntry]:
    """Lists the models whose digests are known and whose files are not here any more.

    Raises:
        CacheError: A record is damaged.
    """
    return [CacheEntry(record, 0, 0.0) for record in store.records() if not (store.trees / record.tree).is_dir()]


def matching(entries: Sequence[CacheEntry], names: Sequence[str]) -> list[CacheEntry]:
    """Returns the entries of models by name, alias or pattern.

    Raises:
        ModelNotFoundError: A name matches none.
    """
    chosen: list[CacheEntry] = []
    for name in names:
        pattern = fold(_canonical(name))
        found = [entry for entry in entries if fnmatchcase(fold(entry.record.model), pattern)]
        if not found:
            raise ModelNotFoundError("The cache holds no files of {name!r}.", "Run: zoo cache ls", name=name)
        chosen += [entry for entry in found if entry not in chosen]
    return chosen


def remove(store: Store, entry: CacheEntry, forget: bool = False) -> None:
    """Removes the files of a model.

    Args:
        store: The cache.
        entry: The model's files.
        forget: Forget the digest of the download too: whatever the address gives next is taken.
    """
    with store.lock(entry.record.key):
        if forget:
            store.forget(entry.record.key)
        others = [record.tree for record in store.records() if record.key != entry.record.key]
        if entry.record.tree not in others:
            store.drop(entry.record.tree)


def stale(store: Store, older_than: float | None, keep_size: int | None) -> list[CacheEntry]:
    """Chooses the models to remove, the longest unused first.

    Args:
        store: The cache.
        older_than: Those not used for so many seconds; None for no such limit.
        keep_size: As many as it takes to come down to so many bytes; None for no such limit.
    """
    entries = sorted(cached(store), key=lambda entry: entry.used)
    total, chosen = sum(entry.size for entry in entries), list[CacheEntry]()
    for entry in entries:
        old = older_than is not None and time.time() - entry.used > older_than
        if old or (keep_size is not None and total > keep_size):
            chosen.append(entry)
            total -= entry.size
    return chosen


def leftovers(store: Store) -> list[Leftover]:
    """Finds unfinished downloads and folders, and files of no model, all unused for more than a day.

    Raises:
        CacheError: A record is damaged.
    """
    used = {record.tree for record in store.records()}
    found = [Leftover(path, size, Message("unfinished download")) for path, size in _old(store.parts)]
    for path, _ in _old(store.trees):
        if path.name.startswith("."):
            found.append(Leftover(path, tree_size(path), Message("unfinished folder")))
        elif path.name not in used:
            found.append(Leftover(path, tree_size(path), Message("files of no model")))
    return found


def sweep(leftover: Leftover) -> None:
    """Removes a leftover."""
    if leftover.path.is_dir():
        shutil.rmtree(leftover.path, ignore_errors=True)
    else:
        leftover.path.unlink(missing_ok=True)


def verify(store: Store, names: Sequence[str], repair: FetchOptions | None) -> Iterator[Verdict]:
    """Takes the digest of every stored file.

    Args:
        store: The cache.
        names: Only these models; by default all.
        repair: Fetch damaged files again in this way; None to only look.

    Yields:
        One verdict an artifact.

    Raises:
        ModelNotFoundError: A name matches no record.
    """
    patterns = {name: fold(_canonical(name)) for name in names}
    matched: set[str] = set()
    for key in store.record_keys():
        try:
            record = store.record(key)
        except CacheError as error:
            yield _mend_record(store, key, error, repair is not None)
            continue
        if record is None or not (store.trees / record.tree).is_dir():
            continue
        hits = {name for name, pattern in patterns.items() if fnmatchcase(fold(record.model), pattern)}
        matched |= hits
        if hits or not names:
            yield _verify(store, record, repair)
    for name in names:
        if name not in matched:
            raise ModelNotFoundError("The cache holds no files of {name!r}.", "Run: zoo cache ls", name=name)


def tree_size(folder: Path) -> int:
    """Returns the bytes of all files below a folder."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def when(seconds: float) -> str:
    """Returns a time as ISO 8601 in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M")


def _verify(store: Store, record: Record, repair: FetchOptions | None) -> Verdict:
    try:
        store.check(record.tree, thorough=True)
        return Verdict(record.key, record.model, record.kind)
    except DamagedError as error:
        fault = error.message
    if repair is None:
        return Verdict(record.key, record.model, record.kind, fault, whole=False)
    try:
        found = find_model(record.model)
        model_files(found, record.kind, repair)
    except (FetchError, ModelNotFoundError) as error:
        return Verdict(
            record.key, record.model, record.kind, fault, Message("not fetched: {reason}", reason=error.message), False
        )
    return Verdict(record.key, record.model, record.kind, fault, Message("fetched again"))


def _mend_record(store: Store, key: str, error: CacheError, repair: bool) -> Verdict:
    if not repair:
        return Verdict(key, "", "", error.message, whole=False)
    with store.lock(key):
        store.forget(key)
    return Verdict(key, "", "", error.message, Message("forgotten: the next download records its digest anew"))


def _canonical(name: str) -> str:
    """An alias leads to the name that records hold; a pattern or the name of a plugin that is gone stays as it is."""
    try:
        return find_model(name).card.name
    except ModelNotFoundError:
        return name


def _old(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yields what nothing has used for a day, with its own size."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        # Another process may tidy at the same time.
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if time.time() - found.st_mtime > FRESH:
                yield path, found.st_size

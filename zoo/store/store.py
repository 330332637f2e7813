"""The store: folders of files addressed by their content, and a record of what each artifact turned out to be.

    store/<digest of names, sizes and digests>/files/...     the files, whole or not there
    store/<...>/manifest.json                                what they must be
    records/<artifact>.json                                  which content an artifact is, and how that is known
    parts/ locks/                                            unfinished downloads; one lock an artifact

A folder comes into the store by one rename and is not written to afterwards. Reading needs no lock and no permission to
write.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from zoo.base.files import write_atomic
from zoo.base.home import RECORDS
from zoo.errors import CacheError, OutputError
from zoo.message import Message
from zoo.registry.records import TREES, Record, read_record, record_bytes
from zoo.store.exclusive import exclusive
from zoo.store.manifest import (
    FILES,
    MANIFEST,
    Manifest,
    changes,
    manifest_document,
    read_manifest,
    take_manifest,
    tree_digest,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Files in the store that are what they must be.

    Attributes:
        folder: Folder that holds them.
        manifest: The files.
        record: What is known of the artifact.
    """

    folder: Path
    manifest: Manifest
    record: Record


class DamagedError(CacheError):
    """Stored files are not what they must be. Whoever asked fetches them again, where that is possible."""


class Store:
    """The cache folder.

    Args:
        home: Its place; made when something is first stored.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.trees = home / TREES
        self.parts = home / "parts"
        self._records = home / RECORDS
        self._locks = home / "locks"

    def record(self, key: str) -> Record | None:
        """Returns what is known of an artifact, whether its files are here or not.

        Raises:
            CacheError: The record is damaged or cannot be read.
        """
        try:
            return read_record(self._records / f"{key}.json")
        except CacheError as error:
            if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
                return None
            raise

    def records(self) -> list[Record]:
        """Returns the records of everything that was ever stored and not forgotten, by key.

        Raises:
            CacheError: A record is damaged; `damaged_records` finds all of them.
        """
        return [record for key in self.record_keys() if (record := self.record(key)) is not None]

    def record_keys(self) -> list[str]:
        """Returns the names of all records."""
        return sorted(path.stem for path in self._records.glob("*.json"))

    def holds(self, tree: str) -> bool:
        """Returns whether files of this address are in the store, changed or not."""
        return (self.trees / tree / MANIFEST).is_file()

    def check(self, tree: str, thorough: bool = False) -> tuple[Path, Manifest]:
        """Returns a folder of the store with its manifest after proving that it is unchanged.

        Args:
            tree: Its address.
            thorough: Take every digest, also of files whose size, modification time and inode are as recorded.

        Raises:
            DamagedError: It is not there, or not what it was.
        """
        place = self.trees / tree
        try:
            manifest = read_manifest(place / MANIFEST)
            if tree_digest(manifest) != tree:
                raise _damaged(place, Message("{manifest} is not the list of this folder", manifest=MANIFEST))
            faults, fresh = changes(place / FILES, manifest, thorough)
        except DamagedError:
            raise
        except CacheError as error:
            raise _damaged(place, error.message) from error
        except OSError as error:
            reason = error.strerror or error
            raise _damaged(place, Message("a file of it cannot be read: {reason}", reason=reason)) from error
        if faults:
            raise _damaged(place, Message("{faults:; }", faults=faults))
        if fresh != manifest:
            # A cache that cannot be written to takes the digests again next time.
            with contextlib.suppress(OutputError):
                write_atomic(place / MANIFEST, _json(manifest_document(fresh)))
        return place / FILES, fresh

    def find(self, key: str, thorough: bool = False) -> Stored | None:
        """Returns the files of an artifact, or None when they are not here.

        Raises:
            DamagedError: They are here and not what they were.
            CacheError: The record is damaged.
        """
        record = self.record(key)
        if record is None or not (self.trees / record.tree).is_dir():
            return None
        folder, manifest = self.check(record.tree, thorough)
        # The folder's own time is its last use; in a cache that cannot be written to nothing is pruned either.
        with contextlib.suppress(OSError):
            os.utime(folder.parent)
        return Stored(folder, manifest, record)

    def prepare(self) -> None:
        """Makes the folders.

        Raises:
            CacheError: The cache folder is a file, or cannot be written to.
        """
        try:
            for folder in (self.trees, self.parts, self._records, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise CacheError(
                "The cache folder {home} cannot be used: {reason}. A folder that can be written to was expected.",
                "Run: export ZOO_HOME=FOLDER  (a writable one)",
                home=self.home,
                reason=error.strerror or error,
            ) from error

    @contextlib.contextmanager
    def lock(self, key: str, waiting: Callable[[str], None] | None = None) -> Generator[None, None, None]:
        """Holds the lock of an artifact. It ends with the process that holds it, however that ends.

        Args:
            key: The artifact.
            waiting: Called with a note every 10 s while another process holds it.

        Raises:
            CacheError: The lock cannot be made.
        """
        with exclusive(self._locks / f"{key}.lock", waiting):
            yield

    def scratch(self, key: str) -> Path:
        """Returns a new empty folder for an artifact's files. The caller holds its lock, so leftovers are nobody's."""
        folder = self.trees / f".new-{key}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def keep(self, scratch: Path) -> tuple[str, Manifest]:
        """Takes a folder made by `scratch`, whose `files` are complete, into the store.

        Returns:
            Its address and its manifest.

        Raises:
            CacheError: The disk is full or refuses.
        """
        try:
            manifest = take_manifest(scratch / FILES)
            tree = tree_digest(manifest)
            write_atomic(scratch / MANIFEST, _json(manifest_document(manifest)))
            self._replace(scratch, tree)
        except (OSError, OutputError) as error:
            shutil.rmtree(scratch, ignore_errors=True)
            raise CacheError(
                "The cache folder {home} cannot be written to: {reason}",
                "Make room (zoo cache prune), or run: export ZOO_HOME=FOLDER",
                home=self.home,
                reason=error,
            ) from error
        return tree, manifest

    def write_record(self, record: Record) -> None:
        """Stores what is known of an artifact.

        Raises:
            CacheError: The disk is full or refuses.
        """
        try:
            write_atomic(self._records / f"{record.key}.json", record_bytes(record))
        except OutputError as error:
            raise CacheError(error.message, "Make room (zoo cache prune), or run: export ZOO_HOME=FOLDER") from error

    def drop(self, tree: str) -> None:
        """Removes a folder from the store. It disappears at once and is then deleted."""
        place = self.trees / tree
        gone = self.trees / f".old-{tree}-{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def forget(self, key: str) -> None:
        """Removes the record of an artifact: whatever its address gives next is taken."""
        (self._records / f"{key}.json").unlink(missing_ok=True)

    def _replace(self, scratch: Path, tree: str) -> None:
        place = self.trees / tree
        for _ in range(3):
            with contextlib.suppress(CacheError):
                self.check(tree, thorough=True)
                # Another artifact has the same files; what is here stays, because someone may be reading it.
                shutil.rmtree(scratch)
                return
            self.drop(tree)
            try:
                os.rename(scratch, place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                continue
            _flush_folder(self.trees)
            return
        raise OSError(errno.EBUSY, Message("{place} is being written by others again and again", place=place))


def _damaged(place: Path, reason: str) -> DamagedError:
    return DamagedError(
        Message("The stored files in {place} are damaged: {reason}.", place=place, reason=reason),
        Message("Run: zoo cache verify --repair"),
    )


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Where pictures and annotations lie, and that no name in an annotation leads out of there."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from zoo.errors import DatasetError, ZooError
from zoo.learn.annotations.wishes import Wishes
from zoo.message import Message
from zoo.picture.image import HEAD_BYTES, is_picture
from zoo.picture.sources.tree import visit
from zoo.settings.document import Node


def files_in(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yields the files of a folder and those inside it whose names end so, by their names, without hidden ones.

    Raises:
        DatasetError: A folder cannot be listed.
    """
    for entry in visit(str(folder), recursive=True):
        if entry.fate == "closed":
            raise DatasetError(
                "The folder {folder} cannot be listed: {reason}.",
                "Correct its permissions.",
                folder=entry.path,
                reason=entry.reason,
            )
        if entry.fate == "file" and entry.path.lower().endswith(suffix):
            yield Path(entry.path)


def holds_picture(path: Path) -> bool:
    """Says whether a file begins as a picture does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_picture(file.read(HEAD_BYTES))
    except OSError:
        return True  # said when it is read


def folder_of(source: Path, *names: str) -> Path | None:
    """Returns the first of these folders that there is."""
    return next((source / name for name in names if (source / name).is_dir()), None)


def stem_of(path: Path, folder: Path) -> str:
    """Returns the path of a file from a folder, without its suffix and with slashes."""
    return path.relative_to(folder).with_suffix("").as_posix()


def by_stem(folder: Path) -> dict[str, Path]:
    """Returns the picture files of a folder and those inside it, by their paths without suffixes.

    Raises:
        DatasetError: Two have one name.
    """
    found: dict[str, Path] = {}
    for path in files_in(folder):
        if holds_picture(path):
            other = found.setdefault(stem_of(path, folder), path)
            if other != path:
                raise DatasetError(
                    "{path} has the name of {other}, up to the suffix.",
                    "Give every picture a name of its own.",
                    path=path,
                    other=other.name,
                )
    return found


@dataclass(frozen=True)
class PictureFiles:
    """The picture files that annotations may name.

    Attributes:
        roots: The folders they are in; names are relative to one of these or to the annotations' own folder.
    """

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, source: Path, wishes: Wishes) -> PictureFiles:
        """Returns those of a source and of the folder that was given for them."""
        return cls((source,) if wishes.images is None else (wishes.images, source))

    def find(self, name: str, node: Node, beside: Sequence[Path] = ()) -> Path:
        """Finds a picture by the name in an annotation.

        Args:
            name: A relative path; back-slashes are taken for slashes where only that names a file.
            node: Where the name stands.
            beside: Folders it may be relative to besides the roots, tried first.

        Raises:
            ZooError: There is none, there are several, or the name leads out of the folders.
        """
        slashed = name.replace("\\", "/")
        for spelt in dict.fromkeys((name, slashed)):
            for folder in (*beside, *self.roots):
                if os.path.isfile(path := folder / spelt):
                    return self._inside(path, name, node)
        parts = [part for part in PurePosixPath(slashed).parts if part not in (".", "..", "/")]
        same = [path for path in self._by_name.get(parts[-1] if parts else "", []) if _ends(path, parts)]
        if len(same) > 1:
            raise node.fault(
                "{place} names the picture {name!r:.200}, and there are {count} of that name: {first} and {second}.",
                "Name it by its path from the folder of the pictures.",
                name=name,
                count=len(same),
                first=same[0],
                second=same[1],
            )
        if not same:
            raise node.fault(
                "{place} names the picture {name!r:.200}, which is not in {folders: or }.",
                "Put it there, or give the folder of the pictures: --images FOLDER",
                name=name,
                folders=[str(root) for root in self.roots],
            )
        return self._inside(same[0], name, node)

    def _inside(self, path: Path, name: str, node: Node) -> Path:
        # Links that stand in the folders are followed, as everywhere; a name cannot climb out of them.
        climbs = ".." in PurePosixPath(name.replace("\\", "/")).parts
        real = Path(os.path.realpath(path) if climbs else os.path.abspath(path))
        seen = os.path.realpath if climbs else os.path.abspath
        if not any(real.is_relative_to(seen(root)) for root in self.roots):
            raise node.fault(
                "{place} names the picture {name!r:.200}, which leads out of {folders: and }.",
                "Give the folder of the pictures if that is meant: --images FOLDER",
                name=name,
                folders=[str(root) for root in self.roots],
            )
        return path

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        real: set[str] = set()
        for root in self.roots:
            for path in files_in(root):
                if (where := os.path.realpath(path)) not in real:
                    real.add(where)
                    found[path.name].append(path)
        return found


def name_of(path: Path, roots: Sequence[Path]) -> str:
    """Returns what a picture is called in the new folder: its path from the first root it is in, without a suffix."""
    for root in roots:
        if path.is_relative_to(root):
            name = PurePosixPath(stem_of(path, root))
            # The new folder has an images/ of its own.
            parts = name.parts[1:] if len(name.parts) > 1 and name.parts[0] in _FOLDERS else name.parts
            return "/".join(part for part in parts if part != "..")
    return path.stem


_FOLDERS = ("images", "JPEGImages", "leftImg8bit")


def _ends(path: Path, parts: list[str]) -> bool:
    return list(path.parts[-len(parts) :]) == parts


def one_of(errors: Sequence[ZooError], what: str) -> ZooError:
    """Returns one error for several; a single one stays what it is."""
    if len(errors) == 1:
        return errors[0]
    shown = [error.message for error in errors[:5]]
    if len(errors) > 5:
        shown.append(Message("and {count} more", count=len(errors) - 5))
    return DatasetError(
        "{what} has {count} faulty entries: {listed:; }",
        "Correct them; or leave these pictures out: --on-error skip",
        what=what,
        count=len(errors),
        listed=shown,
    )

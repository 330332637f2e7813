"""Which pictures have labels already: in lists, beside them, or in the folder of an earlier choice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.learn.data import read_list
from zoo.results.encode import read_mark
from zoo.results.formats.labelme_reader import open_labelme

_ENDING = ".json"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures with labels.

    Attributes:
        listed: Real paths of those of lists.
        drawn: Real paths of those that a LabelMe file in the folder of an earlier choice is about.
    """

    listed: frozenset[str]
    drawn: frozenset[str]

    def why(self, path: str) -> str:
        """Returns "list", "file" where a LabelMe file tells of it, or nothing for a picture without labels."""
        real = os.path.realpath(path)
        if real in self.listed:
            return "list"
        return "file" if real in self.drawn or _is_drawn(Path(path).with_suffix(_ENDING)) else ""


def read_labelled(lists: Sequence[Path], folder: Path | None) -> Labelled:
    """Reads which pictures have labels.

    Args:
        lists: List files or dataset folders, as `zoo evaluate` takes them.
        folder: Of an earlier choice; a file in it that nobody has changed since zoo wrote it holds no labels.

    Raises:
        DatasetError: A list is missing or damaged.
    """
    listed = [os.path.realpath(sample.image) for data in lists for sample in read_list(data)]
    drawn: set[str] = set()
    for path in sorted(folder.glob(f"*{_ENDING}")) if folder is not None and folder.is_dir() else ():
        if _is_drawn(path) and (picture := _picture_of(path)) is not None:
            drawn.add(picture)
    return Labelled(frozenset(listed), frozenset(drawn))


def _is_drawn(path: Path) -> bool:
    """Whether a file is LabelMe's with shapes that a person made, or looked at: LabelMe moves the mark of zoo."""
    if not path.is_file() or read_mark(path) is not None:
        return False
    try:
        open_labelme(path)
    except ZooError:
        return False
    return True


def _picture_of(path: Path) -> str | None:
    name = open_labelme(path).value.get("imagePath")
    return os.path.realpath(path.parent / name) if isinstance(name, str) else None

"""Pairs of picture and mask, each with its place, and everything that is wrong with them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from zoo.learn.data.samples import Sample
from zoo.message import Message
from zoo.picture.image import HEAD_BYTES, is_picture
from zoo.picture.sources.tree import visit

#: Where masks lie in a folder without lists, beside `images`.
MASK_FOLDERS = ("masks", "annotations")
# A name in quotes, which may hold blanks, or one without.
_COLUMN = re.compile(r"""(["'])(.+?)\1(?=\s|$)|(\S+)""")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a dataset, and where.

    Attributes:
        kind: One word or two for it, such as "missing", by which faults are counted.
        path: The list, picture or mask that is wrong.
        reason: What is wrong with it.
        listed: The list that names it; None where no list does.
        line: Its line in the list, or in the file itself; 0 where it has none.
    """

    kind: str
    path: Path
    reason: str
    listed: Path | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled picture and where it is named.

    Attributes:
        sample: Its two files.
        listed: The list that names it; None in a folder without lists.
        line: Its line there; 0 without a list.
        turned: How many of the two names have back-slashes that were taken for slashes.
        missing: Whether one of the two files does not exist.
    """

    sample: Sample
    listed: Path | None = None
    line: int = 0
    turned: int = 0
    missing: bool = False

    def fault(self, kind: str, path: Path, reason: str) -> Fault:
        """Returns a fault of this pair."""
        return Fault(kind, path, reason, self.listed, self.line)


@dataclass(slots=True)
class Pairs:
    """What a list or a folder holds: its pairs in order, and what is wrong with it."""

    pairs: list[Pair] = field(default_factory=list[Pair])
    faults: list[Fault] = field(default_factory=list[Fault])


def listed_pairs(list_file: Path, root: Path) -> Pairs:
    """Reads a list file with `image mask` on every line; see `zoo.learn.data.read_list`.

    Args:
        list_file: UTF-8 text file.
        root: Folder its paths are relative to.

    Returns:
        All lines with two columns, also those whose files do not exist, which are faults of the kind "missing".

    Raises:
        OSError: The file cannot be read.
        UnicodeDecodeError: It is no UTF-8 text.
    """
    found = Pairs()
    for number, line in enumerate(list_file.read_text(encoding="utf-8-sig").splitlines(), 1):
        columns = _columns(line)
        if not columns:
            continue
        if len(columns) != 2:
            reason = Message("it has {count} columns", count=len(columns))
            found.faults.append(Fault("columns", list_file, reason, list_file, number))
            continue
        paths = [_found(root, column) for column in columns]
        turned = sum(path != root / column for path, column in zip(paths, columns, strict=True))
        missing = [path for path in paths if not path.is_file()]
        pair = Pair(Sample(*paths), list_file, number, turned, bool(missing))
        found.pairs.append(pair)
        found.faults += [pair.fault("missing", path, _absence(path)) for path in missing]
    return found


def folder_pairs(folder: Path, masks: str) -> Pairs:
    """Reads a folder without lists, whose files belong together where their paths are equal up to the suffix.

    Args:
        folder: It holds "images" and the masks.
        masks: Name of the folder of masks.

    Returns:
        All pictures and masks; where one of the two is missing it is taken to be a PNG of the other's name, which is a
        fault of the kind "missing".
    """
    found = Pairs()
    names = ("images", masks)
    images, others = (_by_stem(folder / name, found.faults) for name in names)
    for stem in [*images, *(stem for stem in others if stem not in images)]:
        image, mask = (
            files.get(stem, folder / name / f"{stem}.png") for name, files in zip(names, (images, others), strict=True)
        )
        pair = Pair(Sample(image, mask), missing=stem not in others or stem not in images)
        found.pairs.append(pair)
        if stem not in others:
            found.faults.append(pair.fault("missing", image, Message("{path} has no mask", path=image)))
        elif stem not in images:
            found.faults.append(pair.fault("missing", mask, Message("{path} has no picture", path=mask)))
    return found


def list_line(image: str, mask: str) -> str:
    """Returns a line of a list file: with a tab between names where one holds a blank or a quotation mark.

    Raises:
        ValueError: A name cannot stand in a list: it holds a tab or a line break, or is in quotes itself.
    """
    for name in (image, mask):
        if "\t" in name or len(name.splitlines()) != 1 or name != name.strip() or _quoted(name):
            raise ValueError(Message("the name {name!r} cannot stand in a list", name=name))
    plain = not any(re.search(r"""[\s"']""", name) for name in (image, mask))
    return f"{image} {mask}" if plain else f"{image}\t{mask}"


def _absence(path: Path) -> str:
    if not path.exists():
        return Message("{path} does not exist", path=path)
    return Message("{path} is not a regular file", path=path)


def _columns(line: str) -> list[str]:
    if "\t" in line:
        cells = [cell.strip() for cell in line.split("\t")]
        return [cell[1:-1] if _quoted(cell) else cell for cell in cells if cell]
    return [quoted or plain for _, quoted, plain in _COLUMN.findall(line)]


def _quoted(cell: str) -> bool:
    return len(cell) > 2 and cell[0] == cell[-1] and cell[0] in "\"'"


def _found(root: Path, column: str) -> Path:
    path = root / column
    slashed = root / column.replace("\\", "/")
    return slashed if not path.exists() and slashed.exists() else path


def _by_stem(folder: Path, faults: list[Fault]) -> dict[str, Path]:
    """Returns the picture files of a folder and of those inside it, by their paths without suffixes."""
    found: dict[str, Path] = {}
    for entry in visit(str(folder), recursive=True):
        path = Path(entry.path)
        if entry.fate == "closed":
            reason = Message("{path} cannot be listed: {reason}", path=path, reason=entry.reason)
            faults.append(Fault("unreadable", path, reason))
        elif path.is_file() and _holds_picture(path):
            stem = os.fspath(path.relative_to(folder).with_suffix(""))
            if stem in found:
                reason = Message("{path} has the name of {other}", path=path, other=found[stem].name)
                faults.append(Fault("same name", path, reason))
            found.setdefault(stem, path)
    return found


def _holds_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_picture(file.read(HEAD_BYTES))
    except OSError:
        return True  # said when it is read

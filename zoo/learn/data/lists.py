"""Segmentation datasets on disk: list files with an image and a mask a line, and folders of both."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from zoo.base.files import user_path
from zoo.errors import DatasetError
from zoo.learn.data.samples import Sample
from zoo.message import Message
from zoo.picture.image import HEAD_BYTES, is_picture
from zoo.picture.sources.tree import visit

_LOG = logging.getLogger("zoo.learn.data")

# A name in quotes, which may hold blanks, or one without.
_COLUMN = re.compile(r"""(["'])(.+?)\1(?=\s|$)|(\S+)""")
_MASKS = ("masks", "annotations")
_SHOWN = 5


def read_list(
    data: str | os.PathLike[str], root: str | os.PathLike[str] | None = None, missing_ok: bool = False
) -> tuple[Sample, ...]:
    """Reads a list file with `image mask` on every line, paths relative to the dataset's root; or a folder.

    The columns are parted by tabs, or by blanks where there is no tab; names with blanks may stand in quotes. Blank
    lines are passed over. Back-slashes are taken for slashes where only that names a file, which the log says.

    Args:
        data: UTF-8 text file; or a folder with "images" and "masks" or "annotations", whose files belong together
            where their paths within these are equal up to the suffix.
        root: Folder the paths in a list are relative to; by default its own.
        missing_ok: Take samples too of which a file is missing, for `evaluate(..., on_error="skip")`, which names them.
            In a folder the missing file is taken to be a PNG of the other's name.

    Returns:
        The samples in the order of the file, or of their names.

    Raises:
        DatasetError: The file is missing or empty, or a line has not two columns; two files of a folder have one name;
            or one of a sample is missing. All faults are counted.
    """
    data = Path(user_path(data))
    if data.is_dir():
        if root is not None:
            raise DatasetError(
                "{data} is a folder, whose files are found by their names. A root belongs to a list file.",
                "Leave --root out.",
                data=data,
            )
        return _read_folder(data, missing_ok)
    root = data.parent if root is None else Path(user_path(root))
    try:
        lines = data.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "The list file {list_file} does not exist."
            if isinstance(error, FileNotFoundError)
            else "The list file {list_file} cannot be read: {reason}.",
            "Give a UTF-8 text file of `image mask` lines, or a folder with images/ and masks/.",
            list_file=data,
            reason=error,
        ) from error
    samples: list[Sample] = []
    faults: list[str] = []
    turned = 0
    for number, line in enumerate(lines, 1):
        columns = _columns(line)
        if not columns:
            continue
        if len(columns) != 2:
            faults.append(Message("line {number} has {count} columns", number=number, count=len(columns)))
            continue
        paths = [_found(root, column) for column in columns]
        turned += sum(path != root / column for path, column in zip(paths, columns, strict=True))
        faults += [
            Message("line {number}: {path} does not exist", number=number, path=path)
            for path in paths
            if not missing_ok and not path.is_file()
        ]
        samples.append(Sample(*paths))
    if turned:
        _LOG.warning("%s: back-slashes in %d paths are taken for slashes", data, turned)
    if faults:
        raise DatasetError(
            "The list file {list_file} has {count} faulty entries: {listed:; }.",
            "Every line is an image path and a mask path, relative to the folder of the list file. Names with blanks "
            "stand in quotes, or a tab between them.",
            list_file=data,
            count=len(faults),
            listed=_first(faults),
        )
    if not samples:
        raise DatasetError(
            "The list file {list_file} names no picture.", "Write `image mask` on every line.", list_file=data
        )
    return tuple(samples)


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


def _read_folder(folder: Path, missing_ok: bool) -> tuple[Sample, ...]:
    there = [name for name in ("images", *_MASKS) if (folder / name).is_dir()]
    if there not in [["images", name] for name in _MASKS]:
        raise DatasetError(
            "The folder {folder} is no dataset: it has {found:, }. Expected images/, and masks/ or annotations/.",
            "Give a list file, or put the pictures into images/ and their masks, with the same names, into masks/.",
            folder=folder,
            found=[f"{name}/" for name in there] or [Message("none of its folders")],
        )
    faults: list[str] = []
    images, masks = (_by_stem(folder / name, faults) for name in there)
    if missing_ok:
        images, masks = (
            {**own, **{stem: folder / name / f"{stem}.png" for stem in others if stem not in own}}
            for name, own, others in zip(there, (images, masks), (masks, images), strict=True)
        )
    faults += [Message("{path} has no mask", path=path) for stem, path in images.items() if stem not in masks]
    faults += [Message("{path} has no picture", path=path) for stem, path in masks.items() if stem not in images]
    if faults:
        raise DatasetError(
            "The folder {folder} has {count} faulty entries: {listed:; }.",
            "A picture and its mask have the same name, up to the suffix. Give a list file for others.",
            folder=folder,
            count=len(faults),
            listed=_first(faults),
        )
    if not images:
        raise DatasetError(
            "The folder {folder} holds no picture.", "Put pictures into images/ and masks into masks/.", folder=folder
        )
    return tuple(Sample(path, masks[stem]) for stem, path in images.items())


def _by_stem(folder: Path, faults: list[str]) -> dict[str, Path]:
    """Returns the picture files of a folder and of those inside it, by their paths without suffixes."""
    found: dict[str, Path] = {}
    for entry in visit(str(folder), recursive=True):
        path = Path(entry.path)
        if entry.fate == "closed":
            faults.append(Message("{path} cannot be listed: {reason}", path=path, reason=entry.reason))
        elif path.is_file() and _holds_picture(path):
            stem = os.fspath(path.relative_to(folder).with_suffix(""))
            if stem in found:
                faults.append(Message("{path} has the name of {other}", path=path, other=found[stem].name))
            found.setdefault(stem, path)
    return found


def _holds_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_picture(file.read(HEAD_BYTES))
    except OSError:
        return True  # said when it is read


def _first(faults: list[str]) -> list[str]:
    more = len(faults) - _SHOWN
    return [*faults[:_SHOWN], Message("and {count} more", count=more)] if more > 0 else faults

"""Lists of labelled pictures, and folders of them, as whole samples or one error that counts all faults."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.base.files import user_path
from zoo.errors import DatasetError
from zoo.learn.data.pairs import MASK_FOLDERS, Fault, folder_pairs, listed_pairs
from zoo.learn.data.samples import Sample
from zoo.message import Message

_LOG = logging.getLogger("zoo.learn.data")

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
        found = listed_pairs(data, root)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "The list file {list_file} does not exist."
            if isinstance(error, FileNotFoundError)
            else "The list file {list_file} cannot be read: {reason}.",
            "Give a UTF-8 text file of `image mask` lines, or a folder with images/ and masks/.",
            list_file=data,
            reason=error,
        ) from error
    if turned := sum(entry.turned for entry in found.pairs):
        _LOG.warning("%s: back-slashes in %d paths are taken for slashes", data, turned)
    if faults := _that_count(found.faults, missing_ok):
        raise DatasetError(
            "The list file {list_file} has {count} faulty entries: {listed:; }.",
            "Every line is an image path and a mask path, relative to the folder of the list file. Names with blanks "
            "stand in quotes, or a tab between them.",
            list_file=data,
            count=len(faults),
            listed=first_faults(faults),
        )
    if not found.pairs:
        raise DatasetError(
            "The list file {list_file} names no picture.", "Write `image mask` on every line.", list_file=data
        )
    return tuple(entry.sample for entry in found.pairs)


def first_faults(faults: Sequence[Fault]) -> list[str]:
    """Returns the first five of some faults with their lines, and how many more there are, for a message."""
    shown = [
        Message("line {number}: {reason}", number=fault.line, reason=fault.reason) if fault.line else fault.reason
        for fault in faults[:_SHOWN]
    ]
    more = len(faults) - len(shown)
    return [*shown, Message("and {count} more", count=more)] if more > 0 else shown


def mask_folder(folder: Path) -> str:
    """Returns the name of the folder with the masks in a dataset without lists.

    Raises:
        DatasetError: It has no "images" beside "masks" or "annotations", or has both.
    """
    there = [name for name in ("images", *MASK_FOLDERS) if (folder / name).is_dir()]
    if there not in [["images", name] for name in MASK_FOLDERS]:
        raise DatasetError(
            "The folder {folder} is no dataset: it has {found:, }. Expected images/, and masks/ or annotations/.",
            "Give a list file, or put the pictures into images/ and their masks, with the same names, into masks/.",
            folder=folder,
            found=[f"{name}/" for name in there] or [Message("none of its folders")],
        )
    return there[1]


def _read_folder(folder: Path, missing_ok: bool) -> tuple[Sample, ...]:
    found = folder_pairs(folder, mask_folder(folder))
    if faults := _that_count(found.faults, missing_ok):
        raise DatasetError(
            "The folder {folder} has {count} faulty entries: {listed:; }.",
            "A picture and its mask have the same name, up to the suffix. Give a list file for others.",
            folder=folder,
            count=len(faults),
            listed=first_faults(faults),
        )
    if not found.pairs:
        raise DatasetError(
            "The folder {folder} holds no picture.", "Put pictures into images/ and masks into masks/.", folder=folder
        )
    return tuple(entry.sample for entry in found.pairs)


def _that_count(faults: Sequence[Fault], missing_ok: bool) -> list[Fault]:
    return [fault for fault in faults if not missing_ok or fault.kind != "missing"]

"""A dataset folder as training needs it, or one error; and the same with all faults collected, for a check."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import user_path
from zoo.contract.labels import LabelMapping, LabelSet
from zoo.errors import DatasetError
from zoo.learn.data.lists import first_faults, mask_folder
from zoo.learn.data.masks import read_mask
from zoo.learn.data.pairs import Fault, Pair, folder_pairs, listed_pairs
from zoo.learn.data.samples import Sample
from zoo.learn.data.truth import NO_CLASS, NOT_COUNTED, VALUES
from zoo.learn.dataset.description import Description, read_description, unnamed
from zoo.message import Message, shell_word

#: The parts of a dataset, each with a list of this name; the first two are expected where there are lists.
SPLITS = ("train", "val", "test")
#: The only part of a folder without lists.
ALL = "all"
# Of a folder without lists every so many pictures are kept for validation.
_EVERY = 5
Item = TypeVar("Item")


@dataclass(frozen=True)
class Dataset:
    """A folder of labelled pictures, and what their masks hold.

    Attributes:
        folder: Where it is.
        splits: Its samples by "train", "val" and, where there is such a list, "test"; by "all" in a folder without
            lists.
        labels: The classes in order; unnamed ones are "class 0", "class 1", as many as the masks hold.
        values: The mask values of each class.
        ignore: Mask values that do not count.
        groups: Pattern of what is alike in the names of pictures that belong together; empty where each is by itself.
    """

    folder: Path
    splits: Mapping[str, tuple[Sample, ...]]
    labels: LabelSet
    values: tuple[tuple[int, ...], ...]
    ignore: tuple[int, ...]
    groups: str

    @property
    def ignore_index(self) -> int:
        """What pixels that do not count are in class numbers: 255, or 65535 where that is a class."""
        return self.labels.ignore_index

    def table(self) -> NDArray[np.int32]:
        """Returns (65536,) the class of each mask value, `NOT_COUNTED` or `NO_CLASS` of `zoo.learn.data.truth`."""
        return class_table(self.values, self.ignore)

    def truth(self) -> LabelMapping:
        """Returns what mask values mean, as `zoo.learn.evaluation.evaluate` takes it; all others do not count."""
        table = self.table()[: max(map(max, self.values)) + 1]
        kept = [value if value >= 0 else self.ignore_index for value in table.tolist()]
        return LabelMapping("dataset", self.labels, tuple(kept))

    def group(self, sample: Sample) -> str:
        """Returns what a picture has in common with those that must stay in one split with it."""
        return group_of(self.groups, name_in(sample.image, self.folder))


@dataclass(frozen=True)
class Contents:
    """What a dataset folder holds, with everything that is wrong with it.

    Attributes:
        folder: Where it is.
        splits: Pairs by split, as of `Dataset.splits`, also those whose files do not exist.
        description: What it says of itself.
        faults: What is wrong, without having opened a picture.
    """

    folder: Path
    splits: Mapping[str, tuple[Pair, ...]]
    description: Description
    faults: tuple[Fault, ...]


def read_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Reads a dataset folder; its pictures are not opened, and masks only where nothing names the classes.

    Args:
        folder: With `images/` and `annotations/` or `masks/`; `train.txt`, `val.txt` and perhaps `test.txt`, or no
            list; and perhaps `labels.txt` and `data.yaml`.

    Returns:
        The dataset.

    Raises:
        DatasetError: It is no such folder, or a list, a file or a description is faulty; faults are counted.
    """
    contents = read_contents(folder)
    if contents.faults:
        raise DatasetError(
            "The dataset {folder} has {count} faults: {listed:; }.",
            "All faults, also those inside pictures and masks: zoo data check {folder}",
            folder=shell_word(contents.folder),
            count=len(contents.faults),
            listed=first_faults(contents.faults),
        )
    splits = {name: tuple(entry.sample for entry in entries) for name, entries in contents.splits.items()}
    said = contents.description
    labels, values = said.labels, said.values
    if labels is None:
        found = {
            int(value) for samples in splits.values() for one in samples for value in np.unique(read_mask(one.mask))
        }
        labels, values = unnamed(max(found - {*said.ignore}, default=0) + 1)
    return Dataset(contents.folder, splits, with_ignore_index(labels), values, said.ignore, said.groups)


def read_contents(folder: str | os.PathLike[str]) -> Contents:
    """Reads a dataset folder as `read_dataset` does, and collects its faults.

    Raises:
        DatasetError: It is no folder, or has neither lists nor `images/` and `masks/` or `annotations/`.
    """
    path = Path(user_path(folder))
    if not path.is_dir():
        raise DatasetError(
            "{folder} is no folder." if path.exists() else "The folder {folder} does not exist.",
            "Give the folder that holds images/ and annotations/.",
            folder=path,
        )
    faults: list[Fault] = []
    splits = _listed(path, faults) or _paired(path, faults)
    description = read_description(path, faults)
    return Contents(path, splits, description, tuple(faults))


def without_lists(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Returns what a folder without lists is trained on and what it is measured on, of all its pictures in order."""
    train = [one for number, one in enumerate(items) if number % _EVERY or len(items) == 1]
    return train, list(items[::_EVERY]) if len(items) > 1 else []


def class_table(values: tuple[tuple[int, ...], ...], ignore: tuple[int, ...]) -> NDArray[np.int32]:
    """Returns (65536,) the class of each mask value, `NOT_COUNTED` or `NO_CLASS` of `zoo.learn.data.truth`."""
    table = np.full(VALUES, NO_CLASS, np.int32)
    for number, several in enumerate(values):
        table[list(several)] = number
    table[list(ignore)] = NOT_COUNTED
    return table


def with_ignore_index(labels: LabelSet) -> LabelSet:
    """Returns labels whose ignore index is none of their classes."""
    return replace(labels, ignore_index=255 if len(labels) <= 255 else 65535)


def group_of(pattern: str, name: str) -> str:
    """Returns the group of a picture: what the pattern, or its first group, finds in its name; else the name."""
    found = re.search(pattern, name) if pattern else None
    if found is None:
        return name
    return (found[1] if found.re.groups else found[0]) or name


def name_in(path: Path, folder: Path) -> str:
    """Returns a path as lists have it: relative to the folder, with slashes."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _listed(folder: Path, faults: list[Fault]) -> dict[str, tuple[Pair, ...]]:
    """Returns the entries of the lists; nothing where there is none."""
    files = {split: folder / f"{split}.txt" for split in SPLITS}
    if not any(file.exists() for file in files.values()):
        return {}
    splits: dict[str, tuple[Pair, ...]] = {}
    for split, file in files.items():
        if not file.exists():
            if split != "test":
                faults.append(Fault("absent split", file, Message("{path} does not exist", path=file)))
            continue
        try:
            found = listed_pairs(file, folder)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            faults.append(
                Fault("unreadable", file, Message("{path} cannot be read: {reason}", path=file, reason=reason))
            )
            continue
        faults += found.faults
        splits[split] = tuple(found.pairs)
        if not found.pairs:
            faults.append(Fault("empty split", file, Message("{path} names no picture", path=file)))
    return splits or dict.fromkeys(SPLITS[:2], ())


def _paired(folder: Path, faults: list[Fault]) -> dict[str, tuple[Pair, ...]]:
    found = folder_pairs(folder, mask_folder(folder))
    faults += found.faults
    if not found.pairs:
        faults.append(
            Fault("empty split", folder / "images", Message("{path} holds no picture", path=folder / "images"))
        )
    return {ALL: tuple(found.pairs)}

"""What a dataset folder has for an evaluation: the pictures of one split, and what their masks hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zoo.contract.labels import LabelSet
from zoo.errors import DatasetError
from zoo.learn.data import Sample
from zoo.learn.data.lists import first_faults
from zoo.learn.dataset.dataset import ALL, Contents, read_contents, without_lists
from zoo.learn.dataset.description import Description
from zoo.message import shell_word


@dataclass(frozen=True)
class DatasetSplit:
    """A split of a dataset folder.

    Attributes:
        folder: The dataset's.
        samples: Its pictures.
        description: What the dataset says of its masks.
    """

    folder: Path
    samples: tuple[Sample, ...]
    description: Description

    def truth(self, classes: LabelSet) -> dict[str, list[int]] | None:
        """Returns what the mask values mean, as `evaluate` takes it; None where the dataset does not say.

        Args:
            classes: What the predictions are compared in.

        Raises:
            DatasetError: It has a class that is none of these.
        """
        labels, ignore = self.description.labels, self.description.ignore
        if labels is None and not self.description.void_named:
            return None
        if labels is None:
            return {name: [value] for value, name in enumerate(classes.names) if value not in ignore}
        if missing := [name for name in labels.names if name not in classes.names]:
            raise DatasetError(
                "The dataset {folder} has {count} classes that are none of the {total} of {classes}: {names:, }.",
                "Say what the values of its masks are: --truth-labels VALUE=CLASS for each. Or measure other classes: "
                "--labels",
                folder=self.folder,
                count=len(missing),
                total=len(classes),
                classes=classes.name,
                names=[*missing[:5], *(["..."] if len(missing) > 5 else [])],
            )
        return {name: list(values) for name, values in zip(labels.names, self.description.values, strict=True)}


def read_split(folder: str | os.PathLike[str], split: str, missing_ok: bool) -> DatasetSplit:
    """Reads a split of a dataset folder; no picture is opened, and faults of other splits do not matter.

    Args:
        folder: With `images/` and `annotations/` or `masks/`, and lists or none, as of
            `zoo.learn.dataset.dataset.read_dataset`.
        split: "val", "test", "train" or "all". Of a folder without lists "val" is every fifth picture, those that `zoo
            train` keeps for it.
        missing_ok: As in `zoo.learn.data.read_list`.

    Raises:
        DatasetError: It is no such folder, has no such split, or that is faulty; faults are counted.
    """
    contents = read_contents(folder)
    listed = {contents.folder / f"{name}.txt" for name in contents.splits if split in (name, ALL)}
    faults = [
        fault
        for fault in contents.faults
        if (fault.listed is None or fault.listed in listed)
        and fault.kind not in ("absent split", "count")
        and not (fault.kind == "empty split" and fault.path.suffix and fault.path not in listed)
        and not (fault.kind == "missing" and missing_ok)
    ]
    if faults:
        raise DatasetError(
            "The dataset {folder} has {count} faults: {listed:; }.",
            "All faults, also those inside pictures and masks: zoo data check {folder}",
            folder=shell_word(contents.folder),
            count=len(faults),
            listed=first_faults(faults),
        )
    return DatasetSplit(contents.folder, _samples(contents, split), contents.description)


def _samples(contents: Contents, split: str) -> tuple[Sample, ...]:
    splits = contents.splits
    if ALL in splits and split != ALL:
        train, val = without_lists(splits[ALL])
        splits = {"train": train, "val": val}
    pairs = [pair for name, pairs in splits.items() if split in (name, ALL) for pair in pairs]
    if not pairs:
        raise DatasetError(
            "The dataset {folder} has no pictures in its split {split}. It has: {found:, }.",
            "Give one of them: --split all for every picture. Or deal them out: zoo data split {folder} "
            "--train 80 --val 10 --test 10",
            folder=shell_word(contents.folder),
            split=split,
            found=[f"{name} ({len(pairs)})" for name, pairs in splits.items()],
        )
    return tuple(pair.sample for pair in pairs)

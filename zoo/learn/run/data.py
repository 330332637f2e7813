"""The data of a run: the lists, the classes, and what of it a resumed run must find again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.contract.labels import LabelSet
from zoo.errors import DatasetError
from zoo.learn.data import Sample, find_labels, read_list, read_mask
from zoo.message import Message
from zoo.picture.image import read_image

# Without a list of its own, every so many pictures are kept for validation.
_EVERY = 5
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RunData:
    """Labelled pictures of a run.

    Attributes:
        train: Those it learns from.
        val: Those it is measured on.
        labels: The classes.
        sizes: (height, width) of those it learns from.
        pixels: Pixels of each class in their masks.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    labels: LabelSet
    sizes: tuple[tuple[int, int], ...]
    pixels: tuple[int, ...]

    @property
    def digest(self) -> str:
        """Of the names of all pictures in their order, and of the classes."""
        told = "\n".join(
            [*self.labels.names, *(f"{each.image.name} {each.mask.name}" for each in self.train + self.val)]
        )
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def class_weights(self) -> tuple[float, ...]:
        """A weight a class from the pixels: median share over own share (arXiv 1411.4734), 0 for one that is absent."""
        counts = np.asarray(self.pixels, np.float64)
        present = counts[counts > 0]
        return tuple(float(np.median(present) / count) if count else 0.0 for count in counts)


def read_run_data(folder: Path, labels: Path | None = None) -> RunData:
    """Reads a folder with images/, annotations/, train.txt, val.txt and labels.txt, and looks into every file.

    Args:
        folder: The folder. Without lists every fifth picture is kept for validation.
        labels: A file of class names in place of its own.

    Raises:
        DatasetError: A file is missing, cannot be read or does not fit; all that do not are counted.
    """
    named = folder / "labels.txt" if labels is None else labels
    if not named.is_file():
        raise DatasetError(
            "{folder} has no labels.txt: nothing names its classes.",
            "Write one class name a line, in the order of their values, into {path}",
            folder=folder,
            path=named,
        )
    classes = find_labels(named)
    lists = [folder / "train.txt", folder / "val.txt"]
    if any(path.is_file() for path in lists):
        train, val = (read_list(path) for path in lists)
    else:
        every = read_list(folder)
        val = every[::_EVERY]
        train = tuple(sample for sample in every if sample not in val)
    if not train:
        raise DatasetError(
            "{folder} has {count} labelled pictures. At least 2 were expected, one to learn from and one to measure.",
            "Label more pictures.",
            folder=folder,
            count=len(val),
        )
    faults: list[str] = []
    sizes: list[tuple[int, int]] = []
    pixels = np.zeros(len(classes), np.int64)
    for sample in train + val:
        try:
            image = read_image(sample.image)
            mask = read_mask(sample.mask)
            sample.check_sizes(image, mask)
        except Exception as error:
            faults.append(str(getattr(error, "message", error)))
            continue
        counts = np.bincount(mask.ravel(), minlength=len(classes))
        wrong = [
            int(value) for value in np.flatnonzero(counts) if value >= len(classes) and value != classes.ignore_index
        ]
        if wrong:
            faults.append(
                Message(
                    "{mask} holds {wrong:, }; the classes are 0 to {last}",
                    mask=sample.mask,
                    wrong=wrong[:_SHOWN],
                    last=len(classes) - 1,
                )
            )
        if sample in train:
            sizes.append((mask.shape[0], mask.shape[1]))
            pixels += counts[: len(classes)]
    if faults:
        raise DatasetError(
            "{folder} has {count} faults: {faults:; }.",
            "Run: zoo data check {folder}",
            folder=folder,
            count=len(faults),
            faults=[*faults[:_SHOWN], *(["..."] if len(faults) > _SHOWN else [])],
        )
    return RunData(train, val, classes, tuple(sizes), tuple(int(count) for count in pixels))

"""The data of a run: what it learns from and is measured on, the classes, and what a resumed run must find again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.contract.spec import ValueRange
from zoo.errors import DatasetError
from zoo.learn.data import Sample
from zoo.learn.data.truth import NO_CLASS
from zoo.learn.dataset.dataset import ALL, class_table, name_in, with_ignore_index, without_lists
from zoo.learn.dataset.look import ImageLook, MaskLook
from zoo.learn.dataset.survey import Seen, Survey, survey_dataset
from zoo.message import Message, shell_word

_SHOWN = 5
#: Kinds of faults that `zoo data check` finds and a run can live with; they are told.
_TOLD = ("absent split", "same picture", "contradiction", "count", "gap", "absent class", "void")


@dataclass(frozen=True, slots=True, eq=False)
class ClassSample(Sample):
    """A labelled picture whose mask is read as numbers of classes, whatever values stand for them in the file.

    Attributes:
        table: (65536,) uint16, the number of the class of each value; the ignore index for those that do not count.
        stamp: What `file_stamp` said of both files when the data was checked; empty where they cannot be used.
        digest: What `file_digest` said of their content.
    """

    table: NDArray[np.uint16]
    stamp: tuple[int, ...]
    digest: str

    def load(self, value_range: ValueRange = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8 | np.uint16]]:
        """Reads both files; see `Sample.load`.

        Raises:
            DatasetError: One of them is not there any more, or was written to since the data was checked.
        """
        if not self.stamp or file_stamp(self) != self.stamp:
            raise DatasetError(
                "{image} or its mask {mask} was changed or taken away since the data was checked.",
                "Leave the data as it is while a run goes on. Restore it, then run: zoo train --resume RUN",
                image=self.image,
                mask=self.mask,
            )
        # Not by super(): a dataclass with slots is another class than the one its methods were made for.
        image, mask = Sample.load(self, value_range)
        return image, self.table[mask]


def file_stamp(sample: Sample) -> tuple[int, ...]:
    """Returns sizes and times of both files of a sample; nothing where one is missing."""
    try:
        return tuple(figure for path in (sample.image, sample.mask) for figure in _figures(path.stat()))
    except OSError:
        return ()


def _figures(told: os.stat_result) -> tuple[int, int]:
    return told.st_size, told.st_mtime_ns


def file_digest(image: ImageLook, mask: MaskLook) -> str:
    """Returns a digest of a picture and of the values of its mask."""
    return f"{image.digest.hex()} {mask.digest.hex()}"


def _sample(one: Seen, table: NDArray[np.uint16]) -> ClassSample:
    sample = one.pair.sample
    return ClassSample(sample.image, sample.mask, table, file_stamp(sample), file_digest(one.image, one.mask))


@dataclass(frozen=True, slots=True)
class RunData:
    """Labelled pictures of a run.

    Attributes:
        train: Those it learns from.
        val: Those it is measured on.
        labels: The classes.
        sizes: (height, width) of those it learns from.
        pixels: Pixels of each class in their masks.
        digest: Of all pictures in their order, with their names and masks, and of the classes.
        notes: What is odd about the data, and does not keep a run from learning.
    """

    train: tuple[ClassSample, ...]
    val: tuple[ClassSample, ...]
    labels: LabelSet
    sizes: tuple[tuple[int, int], ...]
    pixels: tuple[int, ...]
    digest: str
    notes: tuple[str, ...]

    @property
    def class_weights(self) -> tuple[float, ...]:
        """A weight a class from the pixels: median share over own share (arXiv 1411.4734), 0 for one that is absent."""
        counts = np.asarray(self.pixels, np.float64)
        present = counts[counts > 0]
        return tuple(float(np.median(present) / count) if count else 0.0 for count in counts)


def read_run_data(folder: Path, progress: Callable[[int, int], None] | None = None) -> RunData:
    """Reads a dataset folder, and looks into every file.

    Args:
        folder: As of `zoo.learn.dataset.dataset.read_dataset`. Without lists every fifth picture is kept for
            validation.
        progress: As of `zoo.learn.dataset.survey.survey_dataset`.

    Raises:
        DatasetError: It is no such folder, or a run cannot learn from it; all faults are counted.
    """
    survey = survey_dataset(folder, progress)
    _check(survey, folder)
    labels = with_ignore_index(survey.meaning.labels)
    values = class_table(survey.meaning.values, survey.meaning.ignore)
    # `_check` found none of them in a mask.
    table = np.where(values >= 0, values, labels.ignore_index).astype(np.uint16)
    train, val = _parts(survey.seen)
    if not (train and val):
        raise DatasetError(
            "{folder} has {train} pictures to learn from and {val} to measure on. At least one of each was expected.",
            "Label more pictures, or deal them out: zoo data split {folder} --train 80 --val 20",
            folder=shell_word(folder),
            train=len(train),
            val=len(val),
        )
    told = "\n".join([*labels.names, *(_told(one, survey.contents.folder) for one in (*train, *val))])
    pixels = np.bincount(
        np.concatenate([table[list(one.mask.counts)] for one in train]),
        weights=np.concatenate([list(one.mask.counts.values()) for one in train]),
        minlength=len(labels),
    )
    return RunData(
        tuple(_sample(one, table) for one in train),
        tuple(_sample(one, table) for one in val),
        labels,
        tuple(one.mask.size for one in train),
        tuple(int(count) for count in pixels[: len(labels)]),
        hashlib.sha256(told.encode()).hexdigest(),
        (
            *survey.notes,
            *(Message("{path}: {reason}", path=fault.path, reason=fault.reason) for fault in survey.faults),
        ),
    )


def _told(one: Seen, folder: Path) -> str:
    return f"{name_in(one.pair.sample.image, folder)} {file_digest(one.image, one.mask)}"


def _check(survey: Survey, folder: Path) -> None:
    """Refuses data that a run cannot learn from.

    Raises:
        DatasetError: There are such faults.
    """
    grave = [fault for fault in survey.faults if fault.kind not in _TOLD]
    if grave:
        raise DatasetError(
            "{folder} has {count} faults: {faults:; }.",
            "All of them, and what can be repaired: zoo data check {folder} --fix DST",
            folder=shell_word(folder),
            count=len(grave),
            faults=[
                *(Message("{path}: {reason}", path=fault.path, reason=fault.reason) for fault in grave[:_SHOWN]),
                *(["..."] if len(grave) > _SHOWN else []),
            ],
        )
    table = class_table(survey.meaning.values, survey.meaning.ignore)
    outside = [one for one in survey.seen if any(table[value] == NO_CLASS for value in one.mask.counts)]
    assert not outside, "the check names values outside the classes"


def _parts(seen: Sequence[Seen]) -> tuple[list[Seen], list[Seen]]:
    every = [one for one in seen if one.split == ALL]
    if every:
        return without_lists(every)
    return [one for one in seen if one.split == "train"], [one for one in seen if one.split == "val"]

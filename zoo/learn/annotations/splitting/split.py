"""A dataset folder split anew: lists of training, validation and test that have no picture in common."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.base.files import write_atomic
from zoo.contract.labels import LabelSet
from zoo.learn.annotations.dataset_folder import list_text
from zoo.learn.annotations.places import files_in, holds_picture
from zoo.learn.annotations.splitting.dealing import deal, targets
from zoo.learn.annotations.splitting.pool import Gathered, faulty, gathered, grouped, weighed
from zoo.learn.dataset.dataset import SPLITS, name_in, read_contents
from zoo.message import Message, printable


@dataclass(frozen=True, slots=True)
class Split:
    """What became of a dataset's lists.

    Attributes:
        folder: The dataset.
        labels: Its classes.
        lists: The pictures of each list that was written, as paths in the folder.
        pictures: How many of them hold a class, by its value, of each list.
        pixels: How many pixels of them have a class, likewise.
        kept: Where the earlier lists are now.
        notes: What else happened.
    """

    folder: Path
    labels: LabelSet
    lists: Mapping[str, tuple[str, ...]]
    pictures: Mapping[str, Counter[int]]
    pixels: Mapping[str, Counter[int]]
    kept: tuple[str, ...]
    notes: tuple[str, ...]


def split_dataset(
    folder: str | os.PathLike[str],
    shares: Mapping[str, float],
    seed: int = 0,
    groups: str | None = None,
    report: Callable[[int, int], object] | None = None,
) -> Split:
    """Writes the lists of a dataset anew.

    All pictures of its lists, or of its folders where it has none, are dealt out; a list that is not asked for stays,
    and its pictures are left alone. A group stays together, and so do files of one content. Same folder, shares and
    seed give the same lists on every machine.

    Args:
        folder: The dataset.
        shares: By "train", "val" and "test": percent that make 100, or numbers that make all pictures.
        seed: From 0.
        groups: Regular expression: pictures in whose paths it, or its first group, finds the same stay together; by
            default that of `data.yaml`. Empty for none.
        report: Gets how many pictures were looked at, and how many there are.

    Returns:
        What was written.

    Raises:
        ConfigError: The shares cannot be meant, or the pattern is none.
        DatasetError: The folder is no dataset, a file cannot be read, a name is not matched, or there are fewer
            pictures or groups than splits.
        OutputError: A list cannot be written.
    """
    contents = read_contents(folder)
    if faults := [fault for fault in contents.faults if fault.kind not in ("absent split", "empty split")]:
        raise faulty(contents.folder, [fault.reason for fault in faults])
    said = contents.description
    fixed = [name for name in contents.splits if name in SPLITS and name not in shares]
    pairs = [pair for name, several in contents.splits.items() for pair in several if name not in fixed]
    staying = [pair for name in fixed for pair in contents.splits[name]]
    pattern = said.groups if groups is None else groups
    labels, ones = gathered(contents.folder, [*pairs, *staying], said, pattern, report)
    notes: list[str] = []
    free, members = grouped(ones[: len(pairs)], ones[len(pairs) :], fixed, notes)
    wanted = targets(shares, len(free))
    dealt = deal([weighed(free, one, len(labels)) for one in members], wanted, seed)
    lists = {
        name: sorted(
            (free[place] for number in numbers for place in members[number]), key=lambda one: os.fsencode(one.image)
        )
        for name, numbers in dealt.items()
    }
    if strange := sum(bool(one.strange) for one in free):
        notes.append(
            Message("pictures whose masks hold values of no class: {count}; zoo data check names them", count=strange)
        )
    notes += _missed(contents.folder, ones) if contents.splits.keys() & set(SPLITS) else []
    notes += [
        Message(
            "{count} pictures in {name}.txt; {wanted} were wanted, groups stay whole",
            count=len(lists[name]),
            name=name,
            wanted=count,
        )
        for name, count in wanted.items()
        if len(lists[name]) != count
    ]
    notes += [
        Message("{name}.txt has no picture of: {classes:, }", name=name, classes=lacking)
        for name, several in lists.items()
        if (lacking := _lacking(several, free, labels))
    ]
    kept = _written(contents.folder, lists)
    return Split(
        contents.folder,
        labels,
        {name: tuple(one.image for one in several) for name, several in lists.items()},
        {name: Counter(value for one in several for value in one.classes) for name, several in lists.items()},
        {name: sum((one.classes for one in several), Counter[int]()) for name, several in lists.items()},
        tuple(kept),
        tuple(notes),
    )


def split_figures(made: Split) -> dict[str, object]:
    """Returns a split as plain data."""
    return {
        "folder": printable(made.folder),
        "lists": {name: len(several) for name, several in made.lists.items()},
        "classes": [
            {
                "value": value,
                "name": name,
                "pictures": {split: made.pictures[split][value] for split in made.lists},
                "pixels": {split: made.pixels[split][value] for split in made.lists},
            }
            for value, name in enumerate(made.labels.names)
        ],
        "kept": list(made.kept),
        "notes": list(made.notes),
    }


def _missed(folder: Path, ones: Iterable[Gathered]) -> list[str]:
    """Returns a note on pictures in images/ that no list names."""
    if not (folder / "images").is_dir():
        return []
    named = {one.image for one in ones}
    count = sum(name_in(path, folder) not in named and holds_picture(path) for path in files_in(folder / "images"))
    return [Message("pictures in images/ that no list named and none names now: {count}", count=count)] if count else []


def _lacking(several: Sequence[Gathered], free: Sequence[Gathered], labels: LabelSet) -> list[str]:
    held, there = ({value for one in some for value in one.classes} for some in (several, free))
    return [labels.names[value] for value in sorted(there - held)]


def _written(folder: Path, lists: Mapping[str, Sequence[Gathered]]) -> list[str]:
    """Writes the lists; earlier ones get the next free number. Returns their new names."""
    kept: list[str] = []
    for name in lists:
        path = folder / f"{name}.txt"
        if path.exists():
            number = 1
            while (copy := folder / f"{name}.txt.{number}").exists():
                number += 1
            with path.open("rb") as earlier:
                write_atomic(copy, earlier.read())
            kept.append(copy.name)
    for name, several in lists.items():
        write_atomic(folder / f"{name}.txt", list_text((one.image, one.mask) for one in several).encode("utf-8"))
    return kept

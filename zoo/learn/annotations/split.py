"""A dataset folder split anew: lists of training, validation and test that have no picture in common."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.files import write_atomic
from zoo.base.spread import in_processes
from zoo.contract.labels import LabelSet
from zoo.errors import ConfigError, DatasetError
from zoo.learn.annotations.dataset_folder import list_text
from zoo.learn.annotations.places import by_stem
from zoo.learn.annotations.shares import Group, deal, targets
from zoo.learn.data.pairs import Pair
from zoo.learn.dataset.dataset import SPLITS, class_table, name_in, read_contents
from zoo.learn.dataset.description import unnamed
from zoo.learn.dataset.look import ImageLook, MaskLook, look
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


@dataclass(frozen=True, slots=True)
class _One:
    """A picture to deal out: its paths in the folder, what was seen, its group."""

    image: str
    mask: str
    seen: ImageLook
    classes: Counter[int]
    group: str


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
        raise _faulty(contents.folder, [fault.reason for fault in faults])
    said = contents.description
    pattern = _compiled(said.groups if groups is None else groups)
    fixed = [name for name in contents.splits if name in SPLITS and name not in shares]
    pairs = [pair for name, several in contents.splits.items() for pair in several if name not in fixed]
    staying = [pair for name in fixed for pair in contents.splits[name]]
    looks = _looked(contents.folder, [*pairs, *staying], report)
    labels, values = said.labels, said.values
    if labels is None:
        found = {value for _, mask in looks for value in mask.counts} - {*said.ignore}
        labels, values = unnamed(max(found, default=0) + 1)
    table = class_table(values, said.ignore)
    ones = [
        _One(
            name_in(pair.sample.image, contents.folder),
            name_in(pair.sample.mask, contents.folder),
            image,
            _counted(mask, table, labels, pair),
            _group(pattern, name_in(pair.sample.image, contents.folder)),
        )
        for pair, (image, mask) in zip([*pairs, *staying], looks, strict=True)
    ]
    notes: list[str] = []
    free, members = _grouped(ones[: len(pairs)], ones[len(pairs) :], fixed, notes)
    wanted = targets(shares, len(free))
    dealt = deal([_weighed(free, one, len(labels)) for one in members], wanted, seed)
    lists = {
        name: sorted(
            (free[place] for number in numbers for place in members[number]), key=lambda one: os.fsencode(one.image)
        )
        for name, numbers in dealt.items()
    }
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


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise ConfigError(
            "The pattern of groups {pattern!r:.80} is no regular expression: {reason}.",
            "Give one such as '([^_/]+)_' for what stands before the first underscore.",
            pattern=pattern,
            reason=error,
        ) from error


def _group(pattern: re.Pattern[str] | None, name: str) -> str:
    if pattern is None:
        return ""
    found = pattern.search(name)
    if found is None or not (group := found[1] if pattern.groups else found[0]):
        raise DatasetError(
            "The pattern of groups {pattern!r:.80} finds nothing in {name}.",
            "Give a pattern that finds something in every picture's path.",
            pattern=pattern.pattern,
            name=name,
        )
    return group


def _looked(
    folder: Path, pairs: Sequence[Pair], report: Callable[[int, int], object] | None
) -> list[tuple[ImageLook, MaskLook]]:
    """Reads all pictures and masks.

    Raises:
        DatasetError: There are none, or some cannot be read.
    """
    found: dict[int, tuple[ImageLook, MaskLook]] = {}
    reasons: dict[int, str] = {}
    for done, (number, seen) in enumerate(
        in_processes(look, [pair.sample for pair in pairs], len(os.sched_getaffinity(0))), 1
    ):
        sample = pairs[number].sample
        if seen is None:
            reasons[number] = Message("{path} ended the process that read it", path=sample.image)
        else:
            found[number] = seen
            for path, part in zip((sample.image, sample.mask), seen, strict=True):
                if part.fault:
                    reasons[number] = Message("{path}: {reason}", path=path, reason=part.fault)
        if report is not None:
            report(done, len(pairs))
    if reasons:
        raise _faulty(folder, [reasons[number] for number in sorted(reasons)])
    return [found[number] for number in range(len(pairs))]


def _faulty(folder: Path, reasons: Sequence[str]) -> DatasetError:
    shown = list(reasons[:5])
    if len(reasons) > 5:
        shown.append(Message("and {count} more", count=len(reasons) - 5))
    return DatasetError(
        "The dataset {folder} has {count} faults: {listed:; }.",
        "All faults: zoo data check {folder}",
        folder=folder,
        count=len(reasons),
        listed=shown,
    )


def _counted(mask: MaskLook, table: np.ndarray, labels: LabelSet, pair: Pair) -> Counter[int]:
    """Returns the pixels of each class."""
    counts = Counter[int]()
    for value, count in mask.counts.items():
        number = int(table[value])
        if 0 <= number < len(labels):
            counts[number] += count
    return counts


def _grouped(
    free: list[_One], staying: Sequence[_One], fixed: Sequence[str], notes: list[str]
) -> tuple[list[_One], list[list[int]]]:
    """Returns the pictures to deal out, each once, and which of them stay together, by their places.

    Pictures whose file or group stands in a list that stays are left out, which the notes say.
    """
    once = list({(one.image, one.mask): one for one in free}.values())
    if len(once) < len(free):
        notes.append(Message("lines that stood twice in the lists: {count}", count=len(free) - len(once)))
    parent = list(range(len(once) + len(staying)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[object, int] = {}
    same = 0
    for place, one in enumerate([*once, *staying]):
        for key in (one.image, one.seen.digest, ("group", one.group) if one.group else None):
            if key is not None:
                other = first.setdefault(key, place)
                same += key == one.seen.digest and other != place
                parent[root(place)] = root(other)
    taken = {root(place) for place in range(len(once), len(parent))}
    kept = [one for place, one in enumerate(once) if root(place) not in taken]
    if len(kept) < len(once):
        notes.append(
            Message(
                "left out, because they or their groups are in {lists: and }, which stay: {count}",
                lists=[f"{name}.txt" for name in fixed],
                count=len(once) - len(kept),
            )
        )
    if same:
        notes.append(Message("files with the content of another, which stay together: {count}", count=same))
    together: dict[int, list[int]] = defaultdict(list)
    place = 0
    for number in range(len(once)):
        if root(number) not in taken:
            together[root(number)].append(place)
            place += 1
    return kept, list(together.values())


def _weighed(free: Sequence[_One], places: Sequence[int], classes: int) -> Group:
    counts = np.zeros(classes, np.int64)
    for place in places:
        counts[list(free[place].classes)] += 1
    return Group(min(free[place].group or free[place].image for place in places), len(places), counts)


def _missed(folder: Path, ones: Iterable[_One]) -> list[str]:
    """Returns a note on pictures in images/ that no list names."""
    if not (folder / "images").is_dir():
        return []
    named = {one.image for one in ones}
    count = sum(name_in(path, folder) not in named for path in by_stem(folder / "images").values())
    return [Message("pictures in images/ that no list named and none names now: {count}", count=count)] if count else []


def _lacking(several: Sequence[_One], free: Sequence[_One], labels: LabelSet) -> list[str]:
    held, there = ({value for one in some for value in one.classes} for some in (several, free))
    return [labels.names[value] for value in sorted(there - held)]


def _written(folder: Path, lists: Mapping[str, Sequence[_One]]) -> list[str]:
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

"""The pictures of a dataset to be dealt out: what is in them, and which of them stay together."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.spread import in_processes
from zoo.contract.labels import LabelSet
from zoo.errors import ConfigError, DatasetError
from zoo.learn.annotations.splitting.dealing import Group
from zoo.learn.data.pairs import Pair
from zoo.learn.dataset.look import ImageLook, MaskLook, look
from zoo.message import Message


@dataclass(frozen=True, slots=True)
class Gathered:
    """A picture to deal out: its paths in the folder, what was seen, its group."""

    image: str
    mask: str
    seen: ImageLook
    classes: Counter[int]
    group: str


def compiled_groups(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise ConfigError(
            "The pattern of groups {pattern!r:.80} is no regular expression: {reason}.",
            "Give one such as '([^_/]+)_' for what stands before the first underscore.",
            pattern=pattern,
            reason=error,
        ) from error


def group_in(pattern: re.Pattern[str] | None, name: str) -> str:
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


def looked_at(
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
        raise faulty(folder, [reasons[number] for number in sorted(reasons)])
    return [found[number] for number in range(len(pairs))]


def faulty(folder: Path, reasons: Sequence[str]) -> DatasetError:
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


def counted(mask: MaskLook, table: np.ndarray, labels: LabelSet, pair: Pair) -> Counter[int]:
    """Returns the pixels of each class."""
    counts = Counter[int]()
    for value, count in mask.counts.items():
        number = int(table[value])
        if 0 <= number < len(labels):
            counts[number] += count
    return counts


def grouped(
    free: list[Gathered], staying: Sequence[Gathered], fixed: Sequence[str], notes: list[str]
) -> tuple[list[Gathered], list[list[int]]]:
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


def weighed(free: Sequence[Gathered], places: Sequence[int], classes: int) -> Group:
    counts = np.zeros(classes, np.int64)
    for place in places:
        counts[list(free[place].classes)] += 1
    return Group(min(free[place].group or free[place].image for place in places), len(places), counts)

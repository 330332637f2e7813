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
from zoo.learn.data.truth import NO_CLASS, NOT_COUNTED
from zoo.learn.dataset.alike import same_pictures
from zoo.learn.dataset.dataset import class_table, name_in
from zoo.learn.dataset.description import Description, unnamed
from zoo.learn.dataset.look import ImageLook, MaskLook, look
from zoo.message import Message, shell_word


@dataclass(frozen=True, slots=True)
class Gathered:
    """A picture to deal out.

    Attributes:
        image: Its path in the folder.
        mask: That of its mask.
        seen: What the picture was seen to be.
        classes: Pixels by class.
        strange: Pixels whose values are no class and do count.
        group: What it has in common with others that stay together; empty where it is by itself.
    """

    image: str
    mask: str
    seen: ImageLook
    classes: Counter[int]
    strange: int
    group: str


def _compiled_groups(pattern: str) -> re.Pattern[str] | None:
    """Returns a pattern of groups, None for an empty one.

    Raises:
        ConfigError: It is no regular expression.
    """
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise ConfigError(
            "The pattern of groups {pattern!r:.80} is no regular expression: {reason}.",
            "Give one such as '([^_/]+)_' for what stands before the first underscore.",
            pattern=pattern,
            reason=error,
        ) from error


def _group_in(pattern: re.Pattern[str] | None, name: str) -> str:
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


def _looked_at(
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
    """Returns the error for a dataset with faults; the first few are named."""
    shown = list(reasons[:5])
    if len(reasons) > 5:
        shown.append(Message("and {count} more", count=len(reasons) - 5))
    return DatasetError(
        "The dataset {folder} has {count} faults: {listed:; }.",
        "All faults: zoo data check {folder}",
        folder=shell_word(folder),
        count=len(reasons),
        listed=shown,
    )


def gathered(
    folder: Path, pairs: Sequence[Pair], said: Description, pattern: str, report: Callable[[int, int], object] | None
) -> tuple[LabelSet, list[Gathered]]:
    """Reads pictures and masks.

    Args:
        folder: The dataset.
        pairs: What is read.
        said: What the dataset says of its classes; where it names none, they are as many as the masks hold.
        pattern: Of groups; empty for none.
        report: Gets how many are done, and how many there are.

    Returns:
        The classes, and the pictures in the order of the pairs.

    Raises:
        ConfigError: The pattern is no regular expression.
        DatasetError: Some cannot be read, or the pattern finds nothing in a path.
    """
    finds = _compiled_groups(pattern)
    groups = [_group_in(finds, name_in(pair.sample.image, folder)) for pair in pairs]
    looks = _looked_at(folder, pairs, report)
    labels, values = said.labels, said.values
    if labels is None:
        found = {value for _, mask in looks for value in mask.counts} - {*said.ignore}
        labels, values = unnamed(max(found, default=0) + 1)
    table = class_table(values, said.ignore)
    several: list[Gathered] = []
    for pair, (image, mask), group in zip(pairs, looks, groups, strict=True):
        classes = Counter[int]()
        for value, count in mask.counts.items():
            classes[int(table[value])] += count
        del classes[NOT_COUNTED]
        strange = classes.pop(NO_CLASS, 0)
        names = [name_in(path, folder) for path in (pair.sample.image, pair.sample.mask)]
        several.append(Gathered(names[0], names[1], image, classes, strange, group))
    return labels, several


def grouped(
    free: list[Gathered], staying: Sequence[Gathered], fixed: Sequence[str], notes: list[str]
) -> tuple[list[Gathered], list[list[int]]]:
    """Returns the pictures to deal out, each once, and which of them stay together, by their places.

    Files of one content stay together, also where one of them was encoded again. Pictures whose file, content or group
    stands in a list that stays are left out, which the notes say.
    """
    once = list({(one.image, one.mask): one for one in free}.values())
    if len(once) < len(free):
        notes.append(Message("lines that stood twice in the lists: {count}", count=len(free) - len(once)))
    same = same_pictures([one.seen for one in (*once, *staying)])
    roots = _roots([*once, *staying], same)
    taken = set(roots[len(once) :])
    kept = [one for place, one in enumerate(once) if roots[place] not in taken]
    if len(kept) < len(once):
        notes.append(
            Message(
                "left out, because they or their groups are in {lists: and }, which stay: {count}",
                lists=[f"{name}.txt" for name in fixed],
                count=len(once) - len(kept),
            )
        )
    if same:
        copies = sum(len(places) - 1 for places in same)
        notes.append(Message("files that show the picture of another one and stay with it: {count}", count=copies))
    together: dict[int, list[int]] = defaultdict(list)
    place = 0
    for number in range(len(once)):
        if roots[number] not in taken:
            together[roots[number]].append(place)
            place += 1
    return kept, list(together.values())


def _roots(several: Sequence[Gathered], same: Sequence[Sequence[int]]) -> list[int]:
    """Returns for each picture the place of one that all have that it must stay with."""
    parent = list(range(len(several)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, str], int] = {}
    for place, one in enumerate(several):
        for kind, key in (("image", one.image), ("group", one.group)):
            if key:
                parent[root(place)] = root(first.setdefault((kind, key), place))
    for places in same:
        for place in places[1:]:
            parent[root(place)] = root(places[0])
    return [root(place) for place in range(len(several))]


def weighed(free: Sequence[Gathered], places: Sequence[int], classes: int) -> Group:
    """Returns some of the pictures as a group to deal out; there are so many classes."""
    counts = np.zeros(classes, np.int64)
    for place in places:
        counts[list(free[place].classes)] += 1
    return Group(min(free[place].group or free[place].image for place in places), len(places), counts)

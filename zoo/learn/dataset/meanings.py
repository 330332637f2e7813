"""What the values in the masks of a dataset mean, and where they contradict what it says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.learn.data.pairs import Fault, Pair
from zoo.learn.data.truth import NO_CLASS, NOT_COUNTED
from zoo.learn.dataset.dataset import class_table
from zoo.learn.dataset.description import VOID, Description, unnamed
from zoo.learn.dataset.look import MaskLook
from zoo.message import Message

_WHITE = 255
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Meaning:
    """The classes of a dataset as far as they are known.

    Attributes:
        labels: The classes; unnamed ones are as many as the masks hold.
        values: The mask values of each.
        ignore: Mask values that do not count.
        binary: Whether the masks are those of two classes, 0 and 255.
        from_one: Whether all masks count their classes from 1.
    """

    labels: LabelSet
    values: tuple[tuple[int, ...], ...]
    ignore: tuple[int, ...]
    binary: bool = False
    from_one: bool = False


def meaning_of(said: Description, masks: Iterable[MaskLook]) -> Meaning:
    """Finds the classes of a dataset.

    Args:
        said: What it says of itself.
        masks: What was seen of its masks.
    """
    present = {value for mask in masks for value in mask.counts}
    counting = present - {*VOID}
    binary = not said.void_named and _WHITE in present and present <= {0, _WHITE}
    labels, values = said.labels, said.values
    from_one = bool(counting) and 0 not in counting
    if labels is None:
        # 0 means nothing in masks that count from 1, unless they leave it out: that is a fault, too.
        labels, values = unnamed(2 if binary else max(counting - {*said.ignore}, default=0) + (0 if from_one else 1))
    elif values == unnamed(len(labels))[1]:
        from_one = from_one and max(counting) == len(labels)
        binary = binary and len(labels) <= 2
    else:
        from_one = binary = False
    return Meaning(labels, values, said.ignore, binary, from_one)


def mask_faults(pair: Pair, mask: MaskLook, meaning: Meaning, alone: bool) -> Iterator[Fault]:
    """Yields what is wrong with the values of a mask.

    Args:
        pair: The labelled picture.
        mask: What was seen of its mask, without a fault.
        meaning: The classes.
        alone: Whether 255 in this mask is taken for a class, as of `odd_white`.
    """
    table = class_table(meaning.values, meaning.ignore)
    wrong = {value: count for value, count in mask.counts.items() if table[value] == NO_CLASS}
    path, count = pair.sample.mask, len(meaning.labels)
    if meaning.from_one and {*mask.counts} - {*meaning.ignore}:
        reason = Message("its classes are counted from 1: it holds {values:, }", values=_shown(mask.counts))
        yield pair.fault("off by one", path, reason)
    elif alone:
        reason = Message("it holds 0 and 255 only: 255 is the second class in it, not void")
        yield pair.fault("0/255", path, reason)
    elif wrong and _above(mask.counts, meaning):
        reason = Message(
            "it holds {values:, }, the {count} classes are 0 to {last}: counted from 1?",
            values=_shown(mask.counts),
            count=count,
            last=count - 1,
        )
        yield pair.fault("off by one", path, reason)
    elif wrong:
        reason = Message(
            "it holds {values:, }, which no class has ({pixels} pixels); the values of the {count} classes are "
            "{known:, }",
            values=_shown(wrong),
            pixels=sum(wrong.values()),
            count=count,
            known=_shown(value for several in meaning.values for value in several),
        )
        yield pair.fault("label", path, reason)
    elif set(mask.counts) <= {*meaning.ignore}:
        yield pair.fault(
            "void", path, Message("none of its pixels counts: it holds {values:, }", values=_shown(mask.counts))
        )


def odd_white(masks: Sequence[MaskLook], meaning: Meaning) -> list[bool]:
    """Says of each mask whether 255 is a class in it although 255 means void.

    That is so where all masks hold nothing but 0 and 255; and for a mask that does where the others do without 255
    beside a class, or have less of it.
    """
    if meaning.binary:
        return [_WHITE in mask.counts for mask in masks]
    if _WHITE not in meaning.ignore:
        return [False] * len(masks)
    shares = [mask.counts.get(_WHITE, 0) / max(sum(mask.counts.values()), 1) for mask in masks]
    usual = max((share for mask, share in zip(masks, shares, strict=True) if {*mask.counts} - {0, _WHITE}), default=1.0)
    return [{*mask.counts} == {0, _WHITE} and share > usual for mask, share in zip(masks, shares, strict=True)]


def lookup(meaning: Meaning, white: bool) -> NDArray[np.int32]:
    """Returns (65536,) the class that each mask value means, also where masks are faulty in a way that is understood.

    Args:
        meaning: The classes.
        white: Whether 255 in this mask is taken for a class, as of `odd_white`.
    """
    table = class_table(meaning.values, meaning.ignore)
    if meaning.from_one:
        shifted = np.roll(table, 1)
        table = np.where(table == NOT_COUNTED, table, np.where(shifted == NOT_COUNTED, NO_CLASS, shifted))
        table[0] = NO_CLASS
    if white and len(meaning.labels) == 2:
        table[_WHITE] = 1
    return table


def class_counts(mask: MaskLook, table: NDArray[np.int32]) -> Counter[int]:
    """Returns the pixels of a mask by class, after the table of `lookup`; those without one are left out."""
    counts: Counter[int] = Counter()
    for value, count in mask.counts.items():
        if table[value] >= 0:
            counts[int(table[value])] += count
    return counts


def dataset_faults(
    folder: Path,
    said: Description,
    meaning: Meaning,
    masks: Sequence[MaskLook],
    pictures: Mapping[str, Counter[int]],
    lists: Mapping[str, Path],
) -> Iterator[Fault]:
    """Yields what is wrong with the classes of the whole.

    Args:
        folder: The dataset's.
        said: What it says of itself.
        meaning: The classes.
        masks: What was seen of all masks that can be read.
        pictures: By split, in how many pictures each class occurs.
        lists: The list of each split.
    """
    if not masks:
        return
    found = {value for mask in masks for value in mask.counts} - {*meaning.ignore}
    known = {value for several in meaning.values for value in several}
    names, source = meaning.labels.names, folder if said.labels is None else folder / said.source
    if len(names) == 1 or (len(found) == 1 and not meaning.binary):
        yield Fault(
            "one class",
            source,
            Message("there is one class only, which nothing can be told apart from: the background is a class too"),
        )
    if meaning.binary or meaning.from_one:
        return
    absent = [number for number in range(len(names)) if not any(counts[number] for counts in pictures.values())]
    if said.labels is not None and (found - known or absent):
        reason = Message(
            "{source} says {said} classes, the masks hold {found}: {values:, }",
            source=said.source,
            said=len(names),
            found=len(found),
            values=_shown(found),
        )
        yield Fault("count", source, reason)
    if absent:
        shown = [names[number] for number in absent[:_SHOWN]]
        values = _shown(value for number in absent for value in meaning.values[number])
        reason = Message("no mask holds {names:, } (value {values:, })", names=shown, values=values)
        yield Fault("gap", source, reason)
    for split, counts in pictures.items():
        others = [other for other in pictures if other != split and pictures[other]]
        for number, name in enumerate(names) if counts else ():
            there = [f"{other} {pictures[other][number]}" for other in others if pictures[other][number]]
            if not counts[number] and there:
                reason = Message(
                    "no mask of {split} holds {name!r}; pictures that do: {others:, }",
                    split=split,
                    name=name,
                    others=there,
                )
                yield Fault("absent class", lists[split], reason)


def _above(values: Iterable[int], meaning: Meaning) -> bool:
    """Says whether the values of a mask are those of all classes, each one too high."""
    count = len(meaning.labels)
    classes = {*values} - {*meaning.ignore}
    return meaning.values == unnamed(count)[1] and 0 not in classes and max(classes, default=0) == count


def _shown(values: Iterable[int]) -> list[object]:
    listed: list[object] = [*sorted(values)]
    return listed if len(listed) <= _SHOWN else [*listed[: _SHOWN - 1], Message("{count} in all", count=len(listed))]

"""The check of a dataset: every file is read whole, and everything that is wrong is found in one run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.base.spread import in_processes
from zoo.engine.device import available_cores
from zoo.learn.data.pairs import Fault, Pair
from zoo.learn.dataset.alike import same_pictures
from zoo.learn.dataset.dataset import Contents, name_in, read_contents
from zoo.learn.dataset.look import ImageLook, MaskLook, look
from zoo.learn.dataset.meanings import Meaning, class_counts, dataset_faults, lookup, mask_faults, meaning_of, odd_white
from zoo.message import Message

#: The kinds of faults.
KINDS = {
    "missing": Message("missing"),
    "columns": Message("columns"),
    "unreadable": Message("unreadable"),
    "same name": Message("same name"),
    "absent split": Message("absent split"),
    "empty split": Message("empty split"),
    "labels": Message("labels"),
    "settings": Message("settings"),
    "size": Message("size"),
    "turned": Message("turned"),
    "colours": Message("colours"),
    "0/255": Message("0/255"),
    "label": Message("label"),
    "off by one": Message("off by one"),
    "void": Message("void"),
    "same picture": Message("same picture"),
    "contradiction": Message("contradiction"),
    "count": Message("count"),
    "gap": Message("gap"),
    "one class": Message("one class"),
    "absent class": Message("absent class"),
}
# Share of the pixels that masks of one picture may give another class before they contradict each other.
_ALIKE = 0.02
_LOST = Message("the process that read it ended: it may need more memory than there is")
_TURNED = range(5, 9)


@dataclass(frozen=True, slots=True)
class Seen:
    """A labelled picture that was looked at.

    Attributes:
        split: Its split.
        pair: Its files and where they are named.
        image: What the picture holds.
        mask: What the mask holds.
    """

    split: str
    pair: Pair
    image: ImageLook
    mask: MaskLook

    @property
    def quarter_turn(self) -> bool:
        """Whether picture and mask differ by a quarter turn that the EXIF orientation of one of them explains."""
        turned = (self.image.orientation in _TURNED) != (self.mask.orientation in _TURNED)
        return turned and self.image.size == self.mask.size[::-1] and self.image.size != self.mask.size


@dataclass(frozen=True)
class Survey:
    """What a dataset holds, and everything that is wrong with it.

    Attributes:
        contents: Its folder as it was read.
        seen: All labelled pictures, in the order of the lists.
        meaning: The classes.
        white: Of each labelled picture whether 255 is a class in its mask although it means void.
        pixels: By split, the pixels of each class.
        pictures: By split, in how many pictures each class occurs.
        doubles: Groups of numbers of labelled pictures that are the same by content.
        faults: What is wrong: first whole lists, then file by file.
        notes: What is odd and no fault.
    """

    contents: Contents
    seen: tuple[Seen, ...]
    meaning: Meaning
    white: tuple[bool, ...]
    pixels: Mapping[str, Counter[int]]
    pictures: Mapping[str, Counter[int]]
    doubles: tuple[tuple[int, ...], ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def survey_dataset(folder: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None) -> Survey:
    """Checks a dataset folder, in as many processes as there are processors.

    Args:
        folder: As of `zoo.learn.dataset.dataset.read_dataset`.
        progress: Called with how many labelled pictures are done, and how many there are.

    Raises:
        DatasetError: It is no such folder.
    """
    contents = read_contents(folder)
    seen = _looked(contents, progress)
    whole = [one.mask for one in seen if not one.mask.fault]
    meaning = meaning_of(contents.description, whole)
    white = odd_white([one.mask for one in seen], meaning)
    pixels: dict[str, Counter[int]] = {split: Counter() for split in contents.splits}
    pictures: dict[str, Counter[int]] = {split: Counter() for split in contents.splits}
    tables = {odd: lookup(meaning, odd) for odd in (False, True)}
    for one, odd in zip(seen, white, strict=True):
        counts = class_counts(one.mask, tables[odd])
        pixels[one.split].update(counts)
        pictures[one.split].update(dict.fromkeys(counts, 1))
    doubles = [tuple(group) for group in same_pictures([one.image for one in seen])]
    lists = {split: contents.folder / f"{split}.txt" for split in contents.splits}
    faults = [
        *contents.faults,
        *(fault for one, odd in zip(seen, white, strict=True) for fault in _file_faults(one, meaning, odd)),
        *_double_faults(seen, doubles, contents.folder),
        *dataset_faults(contents.folder, contents.description, meaning, whole, pictures, lists),
    ]
    notes = tuple(_notes(contents, seen, doubles))
    return Survey(
        contents, seen, meaning, tuple(white), pixels, pictures, tuple(doubles), tuple(_in_order(faults)), notes
    )


def _looked(contents: Contents, progress: Callable[[int, int], None] | None) -> tuple[Seen, ...]:
    pairs = [(split, pair) for split, pairs in contents.splits.items() for pair in pairs]
    found: dict[int, Seen] = {}
    samples = [pair.sample for _, pair in pairs]
    for number, looks in in_processes(look, samples, available_cores()):
        image, mask = looks or (ImageLook(_LOST), MaskLook(_LOST))
        found[number] = Seen(*pairs[number], image, mask)
        if progress is not None:
            progress(len(found), len(pairs))
    return tuple(found[number] for number in range(len(pairs)))


def _file_faults(one: Seen, meaning: Meaning, white: bool) -> Iterator[Fault]:
    pair, image, mask = one.pair, one.image, one.mask
    for path, fault in ((pair.sample.image, image.fault), (pair.sample.mask, mask.fault)):
        # What did not exist was said with the lists.
        if fault and not (pair.missing and not path.is_file()):
            yield pair.fault("colours" if path == pair.sample.mask and mask.colours else "unreadable", path, fault)
    if image.size != mask.size and image.size[0] and mask.size[0]:
        values = {
            "height": image.size[0],
            "width": image.size[1],
            "mask_height": mask.size[0],
            "mask_width": mask.size[1],
        }
        if one.quarter_turn:
            reason = Message(
                "the picture is {height}x{width} as it is seen, its mask {mask_height}x{mask_width}: a quarter turn by "
                "an EXIF orientation that only one of them has",
                **values,
            )
            yield pair.fault("turned", pair.sample.mask, reason)
        else:
            reason = Message("the picture is {height}x{width}, its mask {mask_height}x{mask_width}", **values)
            yield pair.fault("size", pair.sample.mask, reason)
    if not mask.fault:
        yield from mask_faults(pair, mask, meaning, white)


def _double_faults(seen: Sequence[Seen], doubles: Iterable[Sequence[int]], folder: Path) -> Iterator[Fault]:
    for group in doubles:
        for place, number in enumerate(group[1:], 1):
            one = seen[number]
            earlier = [seen[other] for other in group[:place]]
            shown = name_in(one.pair.sample.image, folder)
            if other := next((other for other in earlier if other.split != one.split), None):
                reason = Message(
                    "it is the same picture as {other} in {place}",
                    other=name_in(other.pair.sample.image, folder),
                    place=listed_place(other.pair, folder),
                )
                yield one.pair.fault("same picture", one.pair.sample.image, reason)
            if other := next((other for other in earlier if contradict(other, one)), None):
                reason = Message(
                    "it contradicts {other} in {place}: both are masks of the picture {shown}",
                    other=name_in(other.pair.sample.mask, folder),
                    place=listed_place(other.pair, folder),
                    shown=shown,
                )
                yield one.pair.fault("contradiction", one.pair.sample.mask, reason)


def contradict(one: Seen, other: Seen) -> bool:
    """Says whether the masks of two pictures that are the same give pixels other classes.

    Where the files are equal the masks must be; where they were encoded again so that they are only alike, the shares
    of the values may differ by 2 %.
    """
    first, second = one.mask, other.mask
    if first.fault or second.fault or first.size != second.size or first.digest == second.digest:
        return False
    if one.image.digest == other.image.digest:
        return True
    apart = sum(abs(first.counts.get(v, 0) - second.counts.get(v, 0)) for v in {*first.counts, *second.counts})
    return apart > 2 * _ALIKE * first.size[0] * first.size[1]


def listed_place(pair: Pair, folder: Path) -> str:
    """Returns list and line of a labelled picture, or its name where no list names it."""
    if pair.listed is None:
        return name_in(pair.sample.image, folder)
    return Message("{list_file}, line {line}", list_file=pair.listed.name, line=pair.line)


def _notes(contents: Contents, seen: Sequence[Seen], doubles: Iterable[Sequence[int]]) -> Iterator[str]:
    turned = sum(one.image.orientation > 1 for one in seen)
    if turned:
        yield Message(
            "{count} pictures are turned by an EXIF orientation; zoo reads them as they are seen", count=turned
        )
    twice = sum(
        seen[number].split == seen[group[0]].split and not contradict(seen[group[0]], seen[number])
        for group in doubles
        for number in group[1:]
    )
    if twice:
        yield Message("{count} pictures stand in their list more than once", count=twice)
    slashes = sum(pair.turned for pairs in contents.splits.values() for pair in pairs)
    if slashes:
        yield Message("{count} paths have back-slashes, which are taken for slashes", count=slashes)
    if contents.description.labels is None:
        yield Message("nothing names the classes: write labels.txt with one name a line, in the order of their values")
    if seen and seen[0].pair.listed is None:
        yield Message("there are no lists: `zoo data split` makes train.txt and val.txt")


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Sorts faults by list and line, those of whole files first; each stands once."""
    unique = dict.fromkeys(faults)
    return sorted(unique, key=lambda fault: ("" if fault.listed is None else fault.listed.name, fault.line))

"""Groups of pictures dealt out to the splits of a dataset, so that each gets its share of every class."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from zoo.errors import ConfigError, DatasetError
from zoo.message import Message


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that stay together.

    Attributes:
        name: Names it the same on every machine.
        size: How many pictures it has.
        classes: How many of them hold a class, by its value.
    """

    name: str
    size: int
    classes: NDArray[np.int64]


def targets(shares: Mapping[str, float], count: int) -> dict[str, int]:
    """Returns how many pictures each split gets: shares of 100, or of 1, by largest remainder; else numbers.

    Args:
        shares: By split, above 0.
        count: How many pictures there are.

    Raises:
        ConfigError: They are neither percent nor make so many pictures.
        DatasetError: There are fewer pictures than splits.
    """
    exact = {name: Fraction(str(share)) for name, share in shares.items()}
    total = sum(exact.values())
    if total not in (1, 100, count) or (
        total not in (1, 100) and any(share.denominator > 1 for share in exact.values())
    ):
        raise ConfigError(
            "The shares make {total}. 100 (percent), or {count}, which is how many pictures there are, was expected.",
            "Run: zoo data split DIR --train 80 --val 10 --test 10",
            total=float(total),
            count=count,
        )
    if count < len(exact):
        raise DatasetError(
            "{count} pictures cannot be parted into {splits}: each split needs one at least.",
            "Annotate more pictures, or ask for fewer splits.",
            count=count,
            splits=Message("{names: and }", names=list(exact)),
        )
    quotas = {name: share * count / total for name, share in exact.items()}
    got = {name: max(1, int(quota)) for name, quota in quotas.items()}
    order = list(exact)
    while sum(got.values()) < count:
        got[max(order, key=lambda name: (quotas[name] - got[name], -order.index(name)))] += 1
    while sum(got.values()) > count:
        got[min((name for name in order if got[name] > 1), key=lambda name: quotas[name] - got[name])] -= 1
    return got


def deal(groups: Sequence[Group], wanted: Mapping[str, int], seed: int) -> dict[str, list[int]]:
    """Deals groups out to splits.

    The class that the fewest of the pictures left hold is dealt out first, larger groups before smaller ones, each to
    a split that has none of it, else to the one that lacks the most of it. Without groups of several pictures every
    split gets exactly what is wanted; with them a group goes where it fits, and if it fits nowhere where the most room
    is. Which of equals comes first is decided by digests of seed and name, the same on every machine.

    Args:
        groups: In any order.
        wanted: How many pictures a split gets.
        seed: Another one deals out differently.

    Returns:
        The numbers of the groups of each split.

    Raises:
        DatasetError: There are fewer groups than splits.
    """
    if len(groups) < len(wanted):
        raise DatasetError(
            "The pictures make {count} groups that stay together, for {splits} splits: each split needs one at least.",
            "Take a pattern with more groups, or ask for fewer splits.",
            count=len(groups),
            splits=len(wanted),
        )
    dealing = _Dealing(groups, wanted, seed)
    while (value := dealing.rarest()) is not None:
        for number in dealing.holding(value):
            dealing.give(number, value)
    for number in dealing.left():
        dealing.give(number, None)
    return dealing.given


class _Dealing:
    """What is still to be dealt out, and what each split lacks."""

    def __init__(self, groups: Sequence[Group], wanted: Mapping[str, int], seed: int) -> None:
        self.given: dict[str, list[int]] = {name: [] for name in wanted}
        self._groups = groups
        total = sum(wanted.values())
        self._classes = np.stack([group.classes for group in groups])
        self._room = dict(wanted)
        # Times the total, to stay whole.
        self._lacks = {name: count * self._classes.sum(axis=0) for name, count in wanted.items()}
        self._holds = {name: np.zeros(self._classes.shape[1], np.int64) for name in wanted}
        self._total = total
        self._open = np.ones(len(groups), np.bool_)
        digests = [
            hashlib.sha256(f"{seed}:{group.name}".encode("utf-8", "surrogateescape")).digest() for group in groups
        ]
        self._order = sorted(range(len(groups)), key=lambda number: (-groups[number].size, digests[number]))

    def rarest(self) -> int | None:
        """Returns the class that the fewest pictures left hold; None if they hold none."""
        counts = self._classes[self._open].sum(axis=0)
        held = np.flatnonzero(counts)
        return int(held[np.argmin(counts[held])]) if held.size else None

    def holding(self, value: int) -> list[int]:
        """Returns the groups left that hold a class, in the order in which they are dealt out."""
        return [number for number in self.left() if self._classes[number, value]]

    def left(self) -> list[int]:
        """Returns the groups left, likewise."""
        return [number for number in self._order if self._open[number]]

    def give(self, number: int, value: int | None) -> None:
        """Gives a group to the split that it is best for."""
        size, names = self._groups[number].size, list(self.given)
        empty = [name for name in names if not self.given[name]]
        able = [name for name in names if self._room[name] >= size]
        if len(empty) >= int(self._open.sum()):
            # None may be left for a split that has nothing yet.
            able = empty
        able = able or [max(names, key=lambda name: self._room[name])]
        if value is not None:
            # What no picture of a split shows cannot be learned or measured there.
            able = [name for name in able if not self._holds[name][value]] or able
        lack = {name: 0 if value is None else int(self._lacks[name][value]) for name in able}
        chosen = max(able, key=lambda name: (lack[name], self._room[name], -names.index(name)))
        self.given[chosen].append(number)
        self._open[number] = False
        self._room[chosen] -= size
        self._holds[chosen] = self._holds[chosen] + self._classes[number]
        self._lacks[chosen] = self._lacks[chosen] - self._total * self._classes[number]

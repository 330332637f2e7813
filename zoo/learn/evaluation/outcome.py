"""What an evaluation found, and what is worth knowing about the masks it compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.learn.data.truth import NOT_COUNTED, VOID
from zoo.learn.evaluation.boundary import BoundaryCounts
from zoo.learn.evaluation.metrics import Confusion
from zoo.learn.evaluation.picture_sums import PictureFigures
from zoo.learn.evaluation.reliability import Reliability
from zoo.message import Message
from zoo.results import Failure
from zoo.results.classes import class_names

#: How many of the worst pictures are told.
WORST = 10
# Values and classes that a note lists.
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures of a model on labelled pictures, and what became of their masks.

    Attributes:
        classes: The classes that were compared.
        confusion: Counts of all pictures together.
        pixels: (65536,) int64; how many pixels of the masks have each value.
        table: (65536,) int32; the class of each value, or a negative number where it does not count.
        failures: Samples that were passed over.
        told: What results said of themselves, such as which values were black and white: of each kind the first
            picture, its note and how many there are.
        pictures: The figures of each picture that counts, in their order.
        boundary: Counts of pixels close to contours; None where they were not asked for.
        reliability: Pixels by score; None where that was not asked for.
    """

    classes: LabelSet
    confusion: Confusion
    pixels: NDArray[np.int64]
    table: NDArray[np.int32]
    failures: tuple[Failure, ...] = ()
    told: tuple[tuple[str, str, int], ...] = ()
    pictures: tuple[PictureFigures, ...] = ()
    boundary: BoundaryCounts | None = None
    reliability: Reliability | None = None

    def __add__(self, other: Evaluation) -> Evaluation:
        """Returns the figures of the pictures of both; those of `other` come after.

        Args:
            other: Of the same model, with the same classes.
        """
        told = {note.template if isinstance(note, Message) else note: (uri, note, n) for uri, note, n in self.told}
        for source, note, count in other.told:
            kind = note.template if isinstance(note, Message) else note
            first, said, before = told.get(kind, (source, note, 0))
            told[kind] = (first, said, before + count)
        return replace(
            self,
            confusion=self.confusion + other.confusion,
            pixels=self.pixels + other.pixels,
            failures=self.failures + other.failures,
            told=tuple(told.values()),
            pictures=self.pictures + other.pictures,
            boundary=None if self.boundary is None or other.boundary is None else self.boundary + other.boundary,
            reliability=(
                None if self.reliability is None or other.reliability is None else self.reliability + other.reliability
            ),
        )

    @property
    def worst(self) -> tuple[PictureFigures, ...]:
        """The ten pictures of the lowest mean IoU, the worst first."""
        counted = [one for one in self.pictures if one.pixels]
        return tuple(sorted(counted, key=lambda one: one.miou)[:WORST])

    @property
    def not_counted(self) -> dict[int, float]:
        """The mask values that did not count and their share of all pixels, 0 to 1, the largest first."""
        left_out = np.flatnonzero((self.table == NOT_COUNTED) & (self.pixels > 0))
        ordered = left_out[np.argsort(-self.pixels[left_out], kind="stable")]
        return {int(value): float(self.pixels[value] / self.pixels.sum()) for value in ordered}

    @property
    def never_true(self) -> tuple[str, ...]:
        """The classes that no pixel of the masks has."""
        names = np.array(class_names(self.classes, range(len(self.classes))), object)
        return tuple(names[self.confusion.true == 0])

    @property
    def notes(self) -> tuple[Message, ...]:
        """What figures alone do not tell: what results said of themselves, pixels that did not count, classes that
        never occur, values that are probably others than they were taken for.
        """
        found = (self._left_out(), self._one_value(), self._never(), self._shifted())
        return (*self._told(), *(note for note in found if note is not None))

    def _told(self) -> Iterator[Message]:
        for source, note, count in self.told:
            yield Message(
                "{source}: {note}" if count == 1 else "{count} pictures, such as {source}: {note}",
                source=source,
                note=note,
                count=count,
            )

    def _left_out(self) -> Message | None:
        shares = self.not_counted
        if not shares:
            return None
        parts = [
            Message("value {value} ({share:.1%})", value=value, share=share)
            for value, share in list(shares.items())[:_SHOWN]
        ]
        return Message(
            "{share:.1%} of the pixels of the masks did not count: {values:, }.",
            share=sum(shares.values()),
            values=_first(parts, len(shares)),
        )

    def _one_value(self) -> Message | None:
        """Says how a mask of an object is read, where it was taken for one class and pixels that do not count."""
        values, ignored = np.flatnonzero(self.pixels), list(self.not_counted)
        if len(values) != 2 or len(ignored) != 1 or ignored[0] not in VOID:
            return None
        (counted,) = (int(value) for value in values if value not in ignored)
        known = class_names(self.classes, [int(self.table[counted])])[0]
        return Message(
            "The masks hold {counted} and {value} alone, and {value} does not count. If it is a class, say which value "
            "is which: --truth-labels {counted}={known} --truth-labels {value}={other}",
            counted=counted,
            value=ignored[0],
            known=_quoted(known),
            other=_quoted(self.never_true[0]) if len(self.never_true) == 1 else "CLASS",
        )

    def _never(self) -> Message | None:
        never = self.never_true
        return (
            Message(
                "{count} of {total} classes never occurs in the masks: {names:, }."
                if len(never) == 1
                else "{count} of {total} classes never occur in the masks: {names:, }.",
                count=len(never),
                total=len(self.classes),
                names=_first(never[:_SHOWN], len(never)),
            )
            if never and self.pixels.any()
            else None
        )

    def _shifted(self) -> Message | None:
        """Says so where predictions fit the classes beside the true ones, all on the same side."""
        if self._fit(-1):
            return Message(
                "The predictions fit the class before the true one, as if the masks counted the classes from 1. If "
                "they do and 0 is no class: --truth-labels from-one"
            )
        if self._fit(1):
            return Message(
                "The predictions fit the class after the true one, as if the masks counted the classes from 0 and were "
                "taken to count from 1. Look at --truth-labels."
            )
        return None

    def _fit(self, apart: int) -> bool:
        """Whether the predicted class is mostly so far from the true one."""
        counts = self.confusion.counts
        true = np.flatnonzero(counts.sum(1))
        # Whatever a bad model takes everything for is beside one true class.
        several = true.size > 1 and int((counts[true].argmax(1) - true == apart).sum()) > 1
        return several and int(np.trace(counts, apart)) > 2 * int(np.trace(counts))


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _first(shown: list[Message] | tuple[str, ...], count: int) -> list[str]:
    return [*shown, Message("{count} more", count=count - len(shown))] if count > len(shown) else list(shown)

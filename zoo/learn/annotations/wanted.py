"""The classes of a dataset: those of the annotations, as the user wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoo.contract.labels import Color, LabelSet, distinct_palette
from zoo.errors import DatasetError
from zoo.learn.annotations.wishes import Wishes
from zoo.message import Message
from zoo.results.formats.labelme_reader import BACKGROUND, IGNORED
from zoo.settings.check import suggestion

#: Masks have 8 bits, and 255 is no class.
MOST_CLASSES = 255
IGNORE_INDEX = 255


def label_set(names: Iterable[str], colours: Mapping[str, Color] | None = None) -> LabelSet:
    """Makes the classes of a dataset, of names that one line of a text file can hold each.

    Raises:
        DatasetError: There are none or too many, or a name cannot stand in a line.
    """
    names = tuple(names)
    if not 1 <= len(names) <= MOST_CLASSES:
        raise DatasetError(
            "There are {count} classes; a mask of 8 bits holds 1 to {most}.",
            "Leave some out with --drop, or give a file with those that you want: --labels FILE",
            count=len(names),
            most=MOST_CLASSES,
        )
    for name in names:
        if name != name.strip() or len(name.splitlines()) != 1:
            raise DatasetError(
                "The class name {name!r:.80} cannot stand in a line of labels.txt: it is empty, or has blanks at its "
                "ends or line breaks.",
                "Correct it in the annotations, or leave it out with --drop.",
                name=name,
            )
    palette = distinct_palette(len(names))
    own = dict(zip(names, palette, strict=True))
    return LabelSet("dataset", names, tuple((colours or {}).get(name, own[name]) for name in names), IGNORE_INDEX)


def with_background(names: Iterable[str], wishes: Wishes) -> tuple[str, ...]:
    """Returns the classes of shapes with that of the pixels which no shape covers in front, where it is wanted.

    Raises:
        DatasetError: It is wanted, and the given labels have no such class.
    """
    names = tuple(names)
    if wishes.labels is not None:
        if wishes.unlabelled == "background" and not set(BACKGROUND) & set(wishes.labels):
            raise DatasetError(
                "The labels have no class for pixels that no shape covers; {names: or } was expected.",
                "Write {first} into the file of labels, or use --unlabelled ignore.",
                names=list(BACKGROUND),
                first=BACKGROUND[0],
            )
        return wishes.labels
    own = next((name for name in BACKGROUND if name in names), None)
    if own is None and wishes.unlabelled == "ignore":
        return names
    ground = own or BACKGROUND[0]
    return (ground, *(name for name in names if name != ground))


def ground_of(labels: LabelSet, wishes: Wishes) -> int:
    """Returns the value of pixels that no shape covers."""
    own = [] if wishes.unlabelled == "ignore" else [name for name in BACKGROUND if name in labels.names]
    return labels.names.index(own[0]) if own else IGNORE_INDEX


def check_drops(names: Iterable[str], wishes: Wishes) -> None:
    """Makes sure that every label which is to be left out is one of the annotations.

    Raises:
        DatasetError: One is not.
    """
    names = tuple(names)
    for label in sorted(wishes.drop - {*names, IGNORED}):
        raise DatasetError(
            Message("The annotations have no class {name!r:.60}, which --drop leaves out.", name=label),
            suggestion(label, names),
        )


def dropped_label(label: str) -> str:
    """Returns the reason why shapes of a label are left out."""
    return Message("shapes of {label!r:.60}, as --drop says", label=label)


def values_of_names(names: Iterable[str], labels: LabelSet, wishes: Wishes) -> dict[str, int]:
    """Returns the values of the classes that annotations have, without those that are left out.

    Raises:
        DatasetError: A class is neither among the labels nor left out; all such are named.
    """
    kept = [name for name in names if name not in wishes.drop and name != IGNORED]
    if unknown := [name for name in kept if name not in labels.names]:
        raise DatasetError(
            "The annotations have the classes {unknown:, }, which the labels do not have.",
            "Write them into the file of labels, or leave them out: --drop {first}",
            unknown=[Message("{name!r:.60}", name=name) for name in unknown],
            first=unknown[0],
        )
    values = {name: labels.names.index(name) for name in kept}
    return {**values, IGNORED: IGNORE_INDEX} if IGNORED not in labels.names and IGNORED not in wishes.drop else values


def kept_names(names: Iterable[str], wishes: Wishes) -> tuple[str, ...]:
    """Returns the classes of a dataset that are wanted, of those its masks hold.

    Raises:
        DatasetError: A label that was given is none of them.
    """
    names = tuple(names)
    for wanted in (*(wishes.labels or ()), *wishes.drop):
        if wanted not in names:
            raise DatasetError(Message("The masks have no class {name!r:.60}.", name=wanted), suggestion(wanted, names))
    return tuple(name for name in wishes.labels or names if name not in wishes.drop)


def new_values(names: Iterable[str], labels: LabelSet, wishes: Wishes) -> dict[int, int]:
    """Returns the new value of each class in the order of the old ones; what is not wanted is ignored."""
    return {
        old: labels.names.index(name) if name in labels.names and name not in wishes.drop else IGNORE_INDEX
        for old, name in enumerate(names)
    }

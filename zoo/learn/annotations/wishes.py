"""What the user says beside the annotations: classes, colours, where the pictures are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from zoo.base.files import user_path
from zoo.contract.labels import Color, LabelSet, distinct_palette
from zoo.errors import DatasetError
from zoo.learn.data.labels import find_labels
from zoo.message import Message
from zoo.results.formats.labelme_reader import BACKGROUND, IGNORED
from zoo.settings.check import suggestion

#: Masks have 8 bits, and 255 is no class.
MOST_CLASSES = 255
IGNORE_INDEX = 255

Unlabelled: TypeAlias = Literal["background", "ignore"]
Contours: TypeAlias = Literal["auto", "edges", "centres"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of a conversion.

    Attributes:
        labels: Class names in the order of their values; None for the order of the format.
        palette: Colours and the classes they stand for, of folders of colour masks.
        images: Another folder in which the pictures may be.
        drop: Labels that are left out.
        unlabelled: What becomes of pixels that no shape covers: a class of their own, or ignored. None for a class
            where no labels were given or one of them is called so.
        contours: Whether corners of COCO polygons are corners of areas or centres of pixels.
    """

    labels: tuple[str, ...] | None = None
    palette: tuple[tuple[Color, str], ...] | None = None
    images: Path | None = None
    drop: frozenset[str] = frozenset()
    unlabelled: Unlabelled | None = None
    contours: Contours = "auto"


def read_wishes(
    labels: Path | None,
    palette: Path | None,
    images: Path | None,
    drop: Iterable[str],
    unlabelled: str | None,
    contours: str,
) -> Wishes:
    """Reads what the options of a command say; labels and palette are files.

    Raises:
        DatasetError: A file cannot be read.
    """
    names = None if labels is None else read_labels(labels)
    return Wishes(
        names,
        None if palette is None else read_colours(palette, names),
        None if images is None else Path(user_path(images)),
        frozenset(drop),
        cast("Unlabelled | None", unlabelled),
        cast("Contours", contours),
    )


def read_labels(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Reads class names, one a line; the "__ignore__" of LabelMe's label files is no class.

    Raises:
        DatasetError: It cannot be read, or names no class, or one twice.
    """
    names = tuple(name for name in find_labels(path).names if name != IGNORED)
    if not names:
        raise DatasetError("{path} names no class.", "Write one class name a line.", path=path)
    return names


_HEX = re.compile(r"#([0-9a-fA-F]{6})(?![0-9a-fA-F])")
_THREE = re.compile(r"(?<!\S)(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})(?![^\s,;:])")


def read_colours(path: str | os.PathLike[str], labels: tuple[str, ...] | None) -> tuple[tuple[Color, str], ...]:
    """Reads the colours of classes, one a line.

    A line has three numbers from 0 to 255, or #rrggbb, and the name before or behind it: "road 128 64 128",
    "128,64,128,road", "road:128,64,128::" as in CVAT's labelmap.txt. Lines without a colour are headings; lines behind
    # are comments. Where no line has a name, they are those of `labels`, in their order.

    Raises:
        DatasetError: It cannot be read, a line is not understood, or a colour stands twice.
    """
    path = Path(user_path(path))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "The palette {path} cannot be read: {reason}.",
            "Give a text file with a colour and a class name a line: road 128 64 128",
            path=path,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    found: dict[Color, tuple[str, int]] = {}
    for number, line in enumerate(lines, 1):
        colour, name = _colour_in(line)
        if colour is None:
            if re.search(r"\d", line) and not line.lstrip().startswith("#"):
                raise _unread(path, number, line)
            continue
        if max(colour) > 255:
            raise _unread(path, number, line)
        if colour in found:
            raise DatasetError(
                "{path}, line {line}: the colour {colour:,} stands in line {first} too.",
                "Give every class a colour of its own.",
                path=path,
                line=number,
                colour=list(colour),
                first=found[colour][1],
            )
        found[colour] = (name, number)
    names = [name for name, _ in found.values()]
    if found and not any(names):
        names = list(_names_of(labels, len(found), path))
    if not found or not all(names):
        raise DatasetError(
            "The palette {path} has {count} colours, {named} of them with a name.",
            "Write a colour and a class name a line: road 128 64 128. Or only colours, and their names with --labels.",
            path=path,
            count=len(found),
            named=sum(map(bool, names)),
        )
    return tuple(zip(found, names, strict=True))


def _colour_in(line: str) -> tuple[Color | None, str]:
    text = line.replace(":", " ")
    if match := _HEX.search(text):
        red, green, blue = bytes.fromhex(match[1])
    elif not line.lstrip().startswith("#") and (match := _THREE.search(re.sub(r"[,;]", " ", text))):
        text = re.sub(r"[,;]", " ", text)
        red, green, blue = (int(part) for part in match.groups())
    else:
        return None, ""
    name = (text[: match.start()] + " " + text[match.end() :]).strip(" \t,;\"'")
    return (red, green, blue), name


def _unread(path: Path, number: int, line: str) -> DatasetError:
    return DatasetError(
        "{path}, line {line}: {text!r:.60} is no colour and class.",
        "Write a line such as: road 128 64 128",
        path=path,
        line=number,
        text=line,
    )


def _names_of(labels: tuple[str, ...] | None, count: int, path: Path) -> tuple[str, ...]:
    if labels is None or len(labels) != count:
        raise DatasetError(
            "The palette {path} has {count} colours without names, and --labels has {names} names.",
            "Give as many names, or write each behind its colour.",
            path=path,
            count=count,
            names=0 if labels is None else len(labels),
        )
    return labels


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


def dropped_label(label: str) -> str:
    """Returns the reason why shapes of a label are left out."""
    return Message("shapes of {label!r:.60}, as --drop says", label=label)


def class_values(names: Iterable[str], labels: LabelSet, wishes: Wishes) -> dict[str, int]:
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

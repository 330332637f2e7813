"""What is mechanical about a faulty dataset repaired, in a new folder; the source is only read.

Pictures and masks with nothing to repair are copied byte for byte. What needs a decision stays as it is and stays a
fault.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.base.files import replacing_folder, user_path
from zoo.base.spread import in_processes
from zoo.engine.device import available_cores
from zoo.errors import OutputError
from zoo.learn.data.pairs import list_line
from zoo.learn.dataset.dataset import SPLITS, name_in
from zoo.learn.dataset.description import LABELS_FILE, SETTINGS_FILE
from zoo.learn.dataset.redraw import Redraw, redraw
from zoo.learn.dataset.survey import Seen, Survey, contradict, listed_place, survey_dataset
from zoo.message import Message

# The other way round, where turning is not its own.
_BACK = {6: 8, 8: 6}
_TURNED = range(2, 9)


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that was repaired.

    Attributes:
        place: List and line, or the name of a file.
        what: What was done.
    """

    place: str
    what: str


@dataclass(frozen=True)
class Mended:
    """A repaired copy of a dataset.

    Attributes:
        folder: Where it is.
        repairs: What was repaired.
        after: The check of the copy: its faults are what could not be repaired.
    """

    folder: Path
    repairs: tuple[Repair, ...]
    after: Survey


def check_new(source: Path, target: str | os.PathLike[str]) -> Path:
    """Makes sure that a copy of a dataset can get this name.

    Raises:
        OutputError: There is something with this name, or it is inside of the dataset.
    """
    folder = Path(user_path(target))
    if folder.resolve().is_relative_to(source.resolve()):
        raise OutputError(
            "The new folder {folder} is inside of the dataset {source}, which stays as it is.",
            "Give a folder beside it.",
            folder=folder,
            source=source,
        )
    if folder.is_dir() and not any(folder.iterdir()):
        return folder
    if os.path.lexists(folder):
        raise OutputError("{folder} exists already.", "Give the name of a new folder.", folder=folder)
    return folder


def mend_dataset(
    survey: Survey, target: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None
) -> Mended:
    """Makes a repaired copy of a dataset; it appears whole or not at all.

    Args:
        survey: The check of the dataset.
        target: The new folder.
        progress: Called with how many files are done, and how many there are, first of the copy and then of its check.

    Raises:
        OutputError: The folder exists already or cannot be written.
    """
    source = survey.contents.folder
    folder = check_new(source, target)
    repairs = [
        Repair(f"{fault.path.name}:{fault.line}", Message("left out: {reason}", reason=fault.reason))
        for fault in survey.contents.faults
        if fault.kind == "columns"
    ]
    dropped = dict(_dropped(survey))
    repairs += [Repair(listed_place(survey.seen[number].pair, source), what) for number, what in dropped.items()]
    repairs += [
        Repair(listed_place(one.pair, source), Message("back-slashes replaced by slashes"))
        for number, one in enumerate(survey.seen)
        if one.pair.turned and number not in dropped
    ]
    kept = [(number, one) for number, one in enumerate(survey.seen) if number not in dropped]
    plan = _Plan(survey)
    with replacing_folder(folder) as partial:
        names: dict[str, list[tuple[str, str]]] = {split: [] for split in survey.contents.splits}
        for number, one in kept:
            names[one.split].append(plan.add(one, survey.white[number]))
        repairs += _carried_out(plan, partial, source, progress)
        for split, pairs in names.items():
            if (source / f"{split}.txt").is_file() and split in SPLITS:
                lines = "".join(f"{list_line(*pair)}\n" for pair in pairs)
                (partial / f"{split}.txt").write_text(lines, encoding="utf-8")
        for name in (LABELS_FILE, SETTINGS_FILE):
            if (source / name).is_file():
                shutil.copyfile(source / name, partial / name)
    return Mended(folder, tuple(repairs), survey_dataset(folder, progress))


def _dropped(survey: Survey) -> Iterator[tuple[int, str]]:
    """Yields the numbers of the labelled pictures that are left out, and why."""
    folder = survey.contents.folder
    for number, one in enumerate(survey.seen):
        missing = [path for path in (one.pair.sample.image, one.pair.sample.mask) if not path.is_file()]
        if one.pair.missing and missing:
            names = [name_in(path, folder) for path in missing]
            yield number, Message("left out: {names:, } does not exist", names=names)
    for group in survey.doubles:
        first = survey.seen[group[0]]
        for number in group[1:]:
            one = survey.seen[number]
            # Which of two masks is right nobody can tell but their owner.
            if one.split != first.split and not any(contradict(survey.seen[other], one) for other in group):
                place = listed_place(first.pair, folder)
                yield number, Message("left out: the same picture is in {place}", place=place)


def _carried_out(
    plan: _Plan, folder: Path, source: Path, progress: Callable[[int, int], None] | None
) -> Iterator[Repair]:
    """Writes all files and yields what was repaired in them."""
    orders = [(order, folder / target) for order, target in plan.orders()]
    for _, target in orders:
        target.parent.mkdir(parents=True, exist_ok=True)
    faults: dict[int, str] = {}
    for number, fault in in_processes(redraw, orders, available_cores()):
        faults[number] = Message("the process ended") if fault is None else fault
        if progress is not None:
            progress(len(faults), len(orders))
    for number, (order, _) in enumerate(orders):
        if faults[number]:
            raise OutputError(
                "{path} could not be copied: {reason}.",
                "The folder may have changed meanwhile: run it again.",
                path=order.source,
                reason=faults[number],
            )
        if order.what:
            yield Repair(name_in(order.source, source), order.what)


class _Plan:
    """Which file goes where, and what is done to it on the way."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._orders: dict[Path, tuple[Redraw, str]] = {}
        self._names: set[str] = set()

    def add(self, one: Seen, white: bool) -> tuple[str, str]:
        """Plans both files of a labelled picture; returns their names in the new folder."""
        return self._placed(self._image(one), "images"), self._placed(self._mask(one, white), "annotations")

    def orders(self) -> list[tuple[Redraw, str]]:
        """Returns what is to be done, each file once."""
        return list(self._orders.values())

    def _placed(self, order: Redraw, kind: str) -> str:
        if order.source in self._orders:
            return self._orders[order.source][1]
        name = name_in(order.source, self._survey.contents.folder)
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts:
            name = f"{kind}/{order.source.name}"
        if order.what:
            name = str(Path(name).with_suffix(".png"))
        free, count = name, 0
        while free in self._names:
            count += 1
            free = str(Path(name).with_stem(f"{Path(name).stem}_{count}"))
        self._names.add(free)
        self._orders[order.source] = order, free
        return free

    def _image(self, one: Seen) -> Redraw:
        image, path = one.image, one.pair.sample.image
        if image.fault or image.orientation not in _TURNED or not image.plain:
            return Redraw(path)
        return Redraw(path, Message("saved upright, as it is seen, without EXIF orientation"), upright=True)

    def _mask(self, one: Seen, white: bool) -> Redraw:
        mask, meaning, path = one.mask, self._survey.meaning, one.pair.sample.mask
        labels, said = meaning.labels, self._survey.contents.description
        done: list[str] = []
        turn, colours, values = 0, dict[int, int](), dict[int, int]()
        if mask.colours and said.colors:
            known = {color: several[0] for color, several in zip(labels.palette, meaning.values, strict=True)}
            if set(mask.colours) <= set(known):
                colours = {r << 16 | g << 8 | b: value for (r, g, b), value in known.items()}
                done.append(Message("colours replaced by the values of their classes"))
        if mask.fault and not colours:
            return Redraw(path)
        if one.quarter_turn:
            turn = (
                one.image.orientation
                if one.image.orientation in range(5, 9)
                else _BACK.get(mask.orientation, mask.orientation)
            )
            done.append(Message("turned by a quarter, as its picture is seen"))
        elif mask.orientation in _TURNED:
            done.append(Message("saved upright, as it is seen, without EXIF orientation"))
        if white and len(labels) == 2 and not meaning.from_one:
            values = {255: meaning.values[1][0]}
            done.append(Message("255 replaced by {value}", value=values[255]))
        elif meaning.from_one:
            values = {value: value - 1 for value in mask.counts if value not in meaning.ignore}
            done.append(Message("one taken from every class"))
        if not done:
            return Redraw(path)
        return Redraw(path, Message("{done:; }", done=done), turn=turn, colours=colours, values=values)

"""A folder of annotations becomes a dataset folder, whole or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zoo.base.files import replacing_folder, user_path
from zoo.base.flow import ahead
from zoo.contract.labels import LabelSet
from zoo.contract.refs import resolve
from zoo.errors import ConfigError, DatasetError, OutputError, ZooError
from zoo.learn.annotations.annotated import Annotated, Found
from zoo.learn.annotations.dataset_folder import Copied, copy_pair, unique_names, write_lists, write_result
from zoo.learn.annotations.places import one_of
from zoo.learn.annotations.wishes import Wishes

#: By format: what finds its annotations, as "module:function" of this package.
FORMS: Mapping[str, str] = {
    "labelme": "from_labelme:find_labelme",
    "coco": "from_coco:find_coco",
    "cvat": "from_cvat:find_cvat",
    "voc": "from_masks:find_voc",
    "cityscapes": "from_cityscapes:find_cityscapes",
    "ade20k": "from_masks:find_ade20k",
    "masks": "from_masks:find_masks",
}
#: The file that tells of a conversion.
RESULT = "convert_result.json"

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of annotations.

    Attributes:
        form: Their format.
        source: Where they were.
        folder: The new dataset.
        labels: Its classes.
        splits: How many pictures a list has, by its name.
        shapes: Shapes that were drawn a class, by its value; empty where the source has masks.
        pixels: Pixels a class, by its value, and 255 for those that are ignored.
        pictures: Pictures that hold a class, by its value.
        dropped: How many of what was left out, by what it is and why.
        rules: How many shapes were drawn by which rule; 0 where a rule is one of all.
        turned: How many masks were turned as the EXIF orientations of their pictures say.
        failures: Pictures that were passed over, by their names, and why.
    """

    form: str
    source: Path
    folder: Path
    labels: LabelSet
    splits: Mapping[str, int]
    shapes: Counter[int]
    pixels: Counter[int]
    pictures: Counter[int]
    dropped: Counter[str]
    rules: Counter[str]
    turned: int
    failures: Mapping[str, ZooError]


def convert_annotations(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    form: str,
    wishes: Wishes | None = None,
    skip: bool = False,
    report: Callable[[int, int], object] | None = None,
) -> Converted:
    """Writes annotations as a dataset: images/, annotations/, lists, labels.txt and convert_result.json.

    Pictures are copied byte for byte. Masks are 8-bit PNG files with the colours of the classes as palette; 255 is no
    class. The lists are those that the source has; where it has none, train.txt names all.

    Args:
        source: The folder of the annotations, or one file of them.
        target: The new folder. It appears when everything is in it.
        form: One of `FORMS`.
        wishes: Labels, colours and what else the annotations do not say.
        skip: Pass over pictures that cannot be used; otherwise nothing is written if there is one.
        report: Gets how many pictures are done, and how many there are.

    Raises:
        ConfigError: There is no such format, or a wish has no effect on it.
        OutputError: The target is a folder with something in it, lies in the source, or cannot be written.
        DatasetError: The source holds no such annotations, or several pictures cannot be used.
        ZooError: One picture cannot be used; the error names file and, where it is known, line.
    """
    if form not in FORMS:
        raise ConfigError(
            "There is no format {form!r}. Known: {known:, }.", "Give one of them.", form=form, known=list(FORMS)
        )
    origin, folder = Path(user_path(source)), Path(user_path(target))
    wishes = wishes or Wishes()
    wishes.check_form(form)
    _check_places(origin, folder)
    found: Found = resolve(f"zoo.learn.annotations.forms.{FORMS[form]}")(origin, wishes)
    names = unique_names([one.name for one in found.pictures])
    with replacing_folder(folder) as partial_folder:
        failures: dict[str, ZooError] = {}
        copied: list[Copied] = []
        work = partial(_tried, partial_folder, found.labels)
        workers = max(1, min(_WORKERS, len(os.sched_getaffinity(0))))
        with_names = zip(found.pictures, names, strict=True)
        for number, (one, done) in enumerate(ahead(with_names, work, 2 * workers, workers), 1):
            if isinstance(done, ZooError):
                failures[one.name] = done
            else:
                copied.append(done)
            if report is not None:
                report(number, len(names))
        if failures and not (skip and copied):
            raise one_of(list(failures.values()), str(origin))
        made = _summed(form, origin, folder, found, copied, failures)
        write_lists(partial_folder, found.labels, copied)
        write_result(partial_folder / RESULT, made, copied)
    return made


def _check_places(source: Path, folder: Path) -> None:
    if not source.exists():
        raise DatasetError(
            "{source} does not exist; annotations were expected there.", "Check the path.", source=source
        )
    home = source if source.is_dir() else source.parent
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(
            "{folder} holds something already. A new or an empty folder was expected.",
            "Give another folder, or remove this one first.",
            folder=folder,
        )
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(home)):
        raise OutputError(
            "{folder} lies in {source}, which is read and stays as it is. A folder outside of it was expected.",
            "Give another folder, such as {other}",
            folder=folder,
            source=home,
            other=Path(os.path.abspath(home)).with_name("dataset"),
        )


def _tried(folder: Path, labels: LabelSet, work: tuple[Annotated, str]) -> tuple[Annotated, Copied | ZooError]:
    one, name = work
    try:
        return one, copy_pair(folder, labels, one, name)
    except ZooError as error:
        return one, error


def _summed(
    form: str, source: Path, folder: Path, found: Found, copied: list[Copied], failures: dict[str, ZooError]
) -> Converted:
    shapes, pixels, pictures = Counter[int](), Counter[int](), Counter[int]()
    dropped, rules = Counter(found.dropped), Counter[str](dict.fromkeys(found.rules, 0))
    for one in copied:
        shapes.update(one.drawn.shapes)
        dropped.update(one.drawn.dropped)
        rules.update(one.drawn.rules)
        pixels.update(one.pixels)
        pictures.update(one.pixels.keys())
    splits, quarter = Counter(one.split for one in copied), sum(one.turned for one in copied)
    return Converted(
        form, source, folder, found.labels, splits, shapes, pixels, pictures, dropped, rules, quarter, failures
    )

"""What the user says beside the annotations: classes, colours, where the pictures are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from zoo.base.files import user_path
from zoo.contract.labels import Color
from zoo.errors import ConfigError, DatasetError
from zoo.learn.annotations.palette_file import read_colours
from zoo.learn.data.labels import find_labels
from zoo.results.formats.labelme_reader import IGNORED

Unlabelled: TypeAlias = Literal["background", "ignore"]
Contours: TypeAlias = Literal["auto", "edges", "centres"]


# The formats that an option means something to; the others would leave it aside.
_MEANT_FOR: Mapping[str, tuple[str, ...]] = {
    "palette": ("masks",),
    "unlabelled": ("labelme", "coco", "cvat"),
    "contours": ("coco",),
    "keep_empty": ("coco", "cvat"),
}


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
        keep_empty: Take pictures that COCO or CVAT list without annotations: none of their pixels has a shape.
    """

    labels: tuple[str, ...] | None = None
    palette: tuple[tuple[Color, str], ...] | None = None
    images: Path | None = None
    drop: frozenset[str] = frozenset()
    unlabelled: Unlabelled | None = None
    contours: Contours = "auto"
    keep_empty: bool = False

    def check_form(self, form: str) -> None:
        """Makes sure that nothing is wished which has no effect on a format.

        Raises:
            ConfigError: Something is.
        """
        for name, forms in _MEANT_FOR.items():
            if form not in forms and getattr(self, name) != getattr(_NOTHING, name):
                raise ConfigError(
                    "--{option} has no effect on --from {form}; it is for {forms:, }.",
                    "Leave it out, or name the format that it is for.",
                    option=name.replace("_", "-"),
                    form=form,
                    forms=list(forms),
                )


_NOTHING = Wishes()


def read_wishes(
    labels: Path | None,
    palette: Path | None,
    images: Path | None,
    drop: Iterable[str],
    unlabelled: str | None,
    contours: str,
    keep_empty: bool = False,
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
        keep_empty,
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

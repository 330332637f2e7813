"""Masks that are there already: PASCAL VOC, ADE20K, folders of pictures and masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from zoo.contract.labels import ADE20K, VOC, Color
from zoo.errors import DatasetError
from zoo.learn.annotations.annotated import Annotated, Found
from zoo.learn.annotations.drawing.mask_classes import draw_colours, draw_values, meaning_table
from zoo.learn.annotations.palette_file import read_colours
from zoo.learn.annotations.places import by_stem, files_in, folder_of, stem_of
from zoo.learn.annotations.wanted import IGNORE_INDEX, kept_names, label_set, new_values
from zoo.learn.annotations.wishes import Wishes, read_labels
from zoo.message import Message
from zoo.results.classes import class_names
from zoo.results.formats.labelme_reader import IGNORED

#: Pictures of which no mask is there.
UNLABELLED = Message("pictures without a mask")
#: Masks of which no picture is there.
ALONE = Message("masks without a picture")
_UNLISTED = Message("names in lists without a mask")
_VALUES = Message("Values of masks are classes as they are; 255 is ignored.")
_COLOURS = Message("Colours of masks are classes by their exact values.")
_FROM_ONE = Message("Values 1 to 150 of masks are the classes from 0; 0, which is none of them, is ignored.")
_SUFFIX = Message("Masks have the names of their pictures and {suffix!r} behind.")
_SUFFIXES = ("_mask", "_masks", "_label", "_labels", "_seg", "_segmentation", "_gt", "_L", "_color", "_colour")
_LISTS = {"train": "train", "val": "val", "test": "test"}
_ADE20K_SPLITS = {"training": "train", "validation": "val"}


def find_voc(source: Path, wishes: Wishes) -> Found:
    """Finds the pictures of a folder in the form of PASCAL VOC: JPEGImages, SegmentationClass, ImageSets/Segmentation.

    The classes are those of a `labelmap.txt` with colours, as CVAT writes it, or of a `class_names.txt`, as LabelMe's
    script does; without one the 21 of PASCAL VOC.

    Raises:
        DatasetError: It has no such folders, or no mask of a picture.
    """
    masks = folder_of(source, "SegmentationClass", "SegmentationClassPNG")
    if masks is not None and not any(files_in(masks, ".png")):
        masks = folder_of(source, "SegmentationClassPNG") or masks
    images = wishes.images or folder_of(source, "JPEGImages", "images")
    if masks is None or images is None:
        raise _no_folders(source, "PASCAL VOC", ["JPEGImages/", "SegmentationClass/"])
    splits, dropped = _voc_lists(source, {stem_of(path, masks) for path in files_in(masks, ".png")})
    map_file, names_file = source / "labelmap.txt", source / "class_names.txt"
    if map_file.is_file():
        return _coloured(images, masks, read_colours(map_file, None), wishes, dropped, splits)
    names = read_labels(names_file) if names_file.is_file() else VOC.names
    colours = {} if names_file.is_file() else dict(zip(VOC.names, VOC.palette, strict=True))
    return _valued(images, masks, names, colours, wishes, dropped, splits)


def find_ade20k(source: Path, wishes: Wishes) -> Found:
    """Finds the pictures of the scene parsing benchmark of ADE20K: images/training, annotations/training and so on.

    Raises:
        DatasetError: It has no such folders, or no mask of a picture.
    """
    masks, images = folder_of(source, "annotations"), wishes.images or folder_of(source, "images")
    parts = [name for name in _ADE20K_SPLITS if masks is not None and (masks / name).is_dir()]
    if masks is None or images is None or not parts:
        raise _no_folders(source, "ADE20K", ["images/training/", "annotations/training/"])
    names = tuple(class_names(ADE20K, range(len(ADE20K))))
    stems = [stem_of(path, masks) for path in files_in(masks, ".png")]
    splits = {stem: _ADE20K_SPLITS[stem.split("/")[0]] for stem in stems if stem.split("/")[0] in _ADE20K_SPLITS}
    colours = dict(zip(names, ADE20K.palette, strict=True))
    return _valued(images, masks, names, colours, wishes, Counter(), splits, first=1)


def find_masks(source: Path, wishes: Wishes) -> Found:
    """Finds pictures and masks in two folders: images, and masks, annotations or labels.

    Raises:
        DatasetError: It has no such folders, no mask of a picture, or nothing says what values or colours are.
    """
    masks, images = folder_of(source, "masks", "annotations", "labels"), wishes.images or folder_of(source, "images")
    if masks is None or images is None:
        raise _no_folders(source, "masks", ["images/", "masks/"])
    if wishes.palette is not None:
        return _coloured(images, masks, wishes.palette, wishes, Counter(), {})
    if wishes.labels is None:
        raise DatasetError(
            "Nothing says what the masks in {folder} hold: classes by their values, or in colours.",
            "Give the names of the values: --labels FILE, or the colours and their names: --palette FILE",
            folder=masks,
        )
    return _valued(images, masks, wishes.labels, {}, wishes, Counter(), {})


def _valued(
    images: Path,
    masks: Path,
    names: Sequence[str],
    colours: Mapping[str, Color],
    wishes: Wishes,
    dropped: Counter[str],
    splits: Mapping[str, str],
    first: int = 0,
) -> Found:
    """Finds masks whose values from `first` on are these classes, and those below none."""
    labels = label_set(kept_names(names, wishes), colours)
    new = new_values(names, labels, wishes)
    table = meaning_table({value + first: class_ for value, class_ in new.items()}, [*range(first), IGNORE_INDEX])
    rule = _FROM_ONE if first else _VALUES
    pairs, rules = _pairs(images, masks, dropped)
    return Found(
        labels,
        tuple(
            Annotated(stem, image, mask, partial(draw_values, mask, table), None, splits.get(stem))
            for stem, (image, mask) in pairs.items()
        ),
        dropped,
        (rule, *rules),
    )


def _coloured(
    images: Path,
    masks: Path,
    palette: Sequence[tuple[Color, str]],
    wishes: Wishes,
    dropped: Counter[str],
    splits: Mapping[str, str],
) -> Found:
    names = tuple(dict.fromkeys(name for _, name in palette if name != IGNORED))
    first_colours: dict[str, Color] = {}
    for colour, name in palette:
        first_colours.setdefault(name, colour)
    labels = label_set(kept_names(names, wishes), first_colours)
    new = dict(zip(names, new_values(names, labels, wishes).values(), strict=True))
    values = {colour: new.get(name, IGNORE_INDEX) for colour, name in palette}
    pairs, rules = _pairs(images, masks, dropped)
    return Found(
        labels,
        tuple(
            Annotated(stem, image, mask, partial(draw_colours, mask, values), None, splits.get(stem))
            for stem, (image, mask) in pairs.items()
        ),
        dropped,
        (_COLOURS, *rules),
    )


def _pairs(images: Path, masks: Path, dropped: Counter[str]) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Returns picture and mask by name, and by which rule they were found; counts what has no other half."""
    pictures, drawn = by_stem(images), by_stem(masks)
    rules: list[str] = []
    if not pictures.keys() & drawn.keys():
        for suffix in _SUFFIXES:
            cut = {stem.removesuffix(suffix): path for stem, path in drawn.items() if stem.endswith(suffix)}
            if pictures.keys() & cut.keys():
                drawn = cut
                rules.append(Message(_SUFFIX, suffix=suffix))
                break
    pairs = {stem: (path, drawn[stem]) for stem, path in pictures.items() if stem in drawn}
    if not pairs:
        raise DatasetError(
            "No picture in {images} has a mask of its name in {masks}.",
            "A picture and its mask have the same name, up to the suffix.",
            images=images,
            masks=masks,
        )
    for what, count in ((UNLABELLED, len(pictures) - len(pairs)), (ALONE, len(drawn) - len(pairs))):
        if count:
            dropped[what] += count
    return pairs, rules


def _voc_lists(source: Path, masks: set[str]) -> tuple[dict[str, str], Counter[str]]:
    """Returns the split of each picture that a list names."""
    splits: dict[str, str] = {}
    missing = 0
    for split in _LISTS:
        file = source / "ImageSets" / "Segmentation" / f"{split}.txt"
        if not file.is_file():
            continue
        try:
            names = file.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(
                "The list file {list_file} cannot be read: {reason}.",
                "Correct it, or move it away.",
                list_file=file,
                reason=error,
            ) from error
        for line, name in enumerate((name.strip() for name in names), 1):
            if name and splits.setdefault(name, split) != split:
                raise DatasetError(
                    "{list_file}, line {line}: {name} stands in {other}.txt too.",
                    "Take it out of one of them.",
                    list_file=file,
                    line=line,
                    name=name,
                    other=splits[name],
                )
            missing += bool(name) and name not in masks
    return splits, Counter({_UNLISTED: missing} if missing else {})


def _no_folders(source: Path, form: str, expected: list[str]) -> DatasetError:
    return DatasetError(
        "{source} is no folder of {form}: {expected: and } were expected.",
        "Give the folder that holds them, or name another format with --from.",
        source=source,
        form=form,
        expected=expected,
    )

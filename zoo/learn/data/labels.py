"""Label sets by name, or from a file of class names."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.base.files import user_path
from zoo.contract.labels import ADE20K, CAMVID, CITYSCAPES, VOC, LabelSet, distinct_palette
from zoo.errors import DatasetError

_KNOWN = {labels.name: labels for labels in (ADE20K, CAMVID, CITYSCAPES, VOC)}


def find_labels(name: str | os.PathLike[str]) -> LabelSet:
    """Finds a label set.

    Args:
        name: "ade20k", "camvid", "cityscapes" or "voc"; or a UTF-8 text file with one class name a line, in the order
            of their values.

    Returns:
        The labels; those of a file have colours of the PASCAL VOC construction.

    Raises:
        DatasetError: It is neither, or the file is empty or names a class twice.
    """
    known = _KNOWN.get(os.fspath(name).lower())
    if known is not None:
        return known
    path = Path(user_path(name))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "There is no label set {name!r}, and no text file of this name can be read. Known: {known:, }.",
            "Give one of them, or a file with one class name a line.",
            name=os.fspath(name),
            known=list(_KNOWN),
        ) from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not names or len(set(names)) != len(names) or len(names) > 256:
        raise DatasetError(
            "The label file {path} has {count} class names, {names_count} of them different. 1 to 256 different "
            "names were expected.",
            "Write one class name a line, in the order of their values.",
            path=path,
            count=len(names),
            names_count=len(set(names)),
        )
    return LabelSet(path.stem, names, distinct_palette(len(names)))

"""Files of colours and the classes they stand for, as people and tools write them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zoo.base.files import user_path
from zoo.contract.labels import Color
from zoo.errors import DatasetError

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

"""What a dataset says of itself: the names in `labels.txt`, and `data.yaml`.

classes: {background: 0, road: [7, 8]}   # the values of each class in the masks; or only names, from 0
ignore: 255                              # the value that does not count, or several
palette: {road: "#804080"}               # colours of classes; masks in these colours can be repaired
groups: "^([^_]+)_"                      # what is alike in the names of pictures that belong together
num_classes: 2                           # only compared
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.contract.labels import LabelSet, distinct_palette
from zoo.errors import ConfigError, DatasetError, ZooError
from zoo.learn.data.labels import find_labels
from zoo.learn.data.pairs import Fault
from zoo.message import Message
from zoo.results.drawing.palette import read_palette
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node
from zoo.settings.rules import ANYTHING, TEXT, array, mapping, whole
from zoo.settings.yaml_text import read_yaml

LABELS_FILE, SETTINGS_FILE = "labels.txt", "data.yaml"
#: Values that do not count where nothing is said, unless they are a class.
VOID = (255, 65535)
_KIND = DocumentKind(
    error=DatasetError,
    noun=Message("the description of a dataset"),
    hint=Message("Write `classes: {background: 0, road: 1}`, and if you like ignore, palette, groups, num_classes."),
    edited=True,
)
_VALUE = whole(0, 65535)
_VALUES = {"anyOf": [_VALUE, array(_VALUE, 1)]}
_SCHEMA = mapping(
    {},
    {
        "classes": {
            "title": Message("a list of class names, or a mapping of class names to mask values"),
            "anyOf": [array(TEXT, 1), {"type": "object", "minProperties": 1, "additionalProperties": _VALUES}],
        },
        "ignore": _VALUES,
        "palette": ANYTHING,
        "groups": TEXT,
        "num_classes": whole(1, 256),
    },
    closed=True,
)


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a dataset.

    Attributes:
        labels: The classes; None where nothing names them.
        values: The mask values of each class, in the order of the classes.
        ignore: Mask values that do not count.
        groups: Pattern of what is alike in the names of pictures that belong together; empty for none.
        source: Name of the file that gives the classes.
        colors: Whether `data.yaml` gives the colours.
        void_named: Whether `data.yaml` gives the values that do not count.
    """

    labels: LabelSet | None = None
    values: tuple[tuple[int, ...], ...] = ()
    ignore: tuple[int, ...] = VOID
    groups: str = ""
    source: str = LABELS_FILE
    colors: bool = False
    void_named: bool = False


def read_description(folder: Path, faults: list[Fault]) -> Description:
    """Reads what a folder says of its dataset.

    Args:
        folder: The dataset's; both files may be absent.
        faults: Takes what is wrong with them, of the kinds "labels", "settings" and "count".
    """
    names = _names(folder / LABELS_FILE, faults)
    file = folder / SETTINGS_FILE
    root = None
    if file.exists():
        try:
            root = read_yaml(file, _KIND)
            return _described(root, conform(root, _SCHEMA), names, faults)
        except ZooError as error:
            faults.append(Fault("settings", file, error.message, line=line_of(error)))
    return _of(names, tuple((value,) for value in range(len(names))), None)


def unnamed(count: int) -> tuple[LabelSet, tuple[tuple[int, ...], ...]]:
    """Returns classes that nobody has named, at most 256, and their mask values."""
    count = min(count, 256)
    names = tuple(f"class {value}" for value in range(count))
    return LabelSet("dataset", names, distinct_palette(count)), tuple((value,) for value in range(count))


def line_of(error: ZooError) -> int:
    """Returns the line that an error about a file of settings names; 0 where it names none."""
    place = error.values.get("place")
    values = place.values if isinstance(place, Message) else error.values
    return int(values.get("line", 0))


def _names(file: Path, faults: list[Fault]) -> tuple[str, ...]:
    if not file.exists():
        return ()
    try:
        return find_labels(file).names
    except DatasetError as error:
        faults.append(Fault("labels", file, error.message))
        return ()


def _described(root: Node, content: dict[str, Any], names: tuple[str, ...], faults: list[Fault]) -> Description:
    classes, count, source = content.get("classes"), content.get("num_classes"), LABELS_FILE
    values = tuple((value,) for value in range(len(names)))
    if classes is not None:
        if isinstance(classes, list):
            classes = {name: index for index, name in enumerate(classes)}
            if len(classes) < len(content["classes"]):
                raise root["classes"].fault("{place} names a class twice.")
        if names and names != tuple(classes):
            faults.append(_contradiction(root["classes"], names, tuple(classes)))
        names, source = tuple(classes), SETTINGS_FILE
        values = tuple(tuple(value) if isinstance(value, list) else (value,) for value in classes.values())
    if count is not None and names and count != len(names):
        faults.append(_count_fault(root["num_classes"], count, names))
    if count is not None and not names:
        labels, values = unnamed(count)
        names, source = labels.names, SETTINGS_FILE
    _check_once(root, values, _listed(content.get("ignore", [])))
    ignore = tuple(_listed(content["ignore"])) if "ignore" in content else None
    described = _of(names, values, ignore)
    labels = described.labels
    if "palette" in content and labels is not None:
        labels = _colored(root["palette"], labels)
    if "groups" in content:
        _check_pattern(root["groups"])
    return Description(
        labels,
        described.values,
        described.ignore,
        content.get("groups", ""),
        source,
        "palette" in content,
        ignore is not None,
    )


def _of(names: tuple[str, ...], values: tuple[tuple[int, ...], ...], ignore: tuple[int, ...] | None) -> Description:
    taken = {value for several in values for value in several}
    ignored = tuple(value for value in VOID if value not in taken) if ignore is None else ignore
    labels = LabelSet("dataset", names, distinct_palette(len(names))) if names else None
    return Description(labels, values, ignored)


def _listed(values: Any) -> list[int]:
    return values if isinstance(values, list) else [values]


def _check_once(root: Node, values: tuple[tuple[int, ...], ...], ignore: list[int]) -> None:
    """Makes sure that a mask value means one thing, and that there are no more classes than can be."""
    if len(values) > 256:
        raise root["classes"].fault("{place} names {count} classes; 1 to 256 are possible.", count=len(values))
    seen: set[int] = set()
    for value in [value for several in values for value in several] + ignore:
        if value in seen:
            node = root["classes" if "classes" in root else "ignore"]
            raise node.fault("{place}: the mask value {value} has two meanings.", value=value)
        seen.add(value)


def _colored(node: Node, labels: LabelSet) -> LabelSet:
    try:
        return LabelSet(labels.name, labels.names, read_palette(node.value, labels))
    except (ConfigError, TypeError) as error:
        reason = error.message if isinstance(error, ConfigError) else Message("it is no palette")
        raise node.fault("{place}: {reason}", reason=reason) from error


def _check_pattern(node: Node) -> None:
    try:
        re.compile(node.value)
    except re.error as error:
        raise node.fault("{place} is no regular expression: {reason}.", reason=error) from error


def _contradiction(node: Node, names: tuple[str, ...], classes: tuple[str, ...]) -> Fault:
    reason = Message(
        "{labels} names {count} classes and {settings} {other_count}, and they are not the same: {names:, } and "
        "{classes:, }",
        labels=LABELS_FILE,
        count=len(names),
        settings=SETTINGS_FILE,
        other_count=len(classes),
        names=names[:8],
        classes=classes[:8],
    )
    return Fault("count", _file(node), reason, line=node.line)


def _count_fault(node: Node, count: int, names: tuple[str, ...]) -> Fault:
    reason = Message(
        "the number of classes is {count}, num_classes says {said}: {names:, }",
        count=len(names),
        said=count,
        names=names[:8],
    )
    return Fault("count", _file(node), reason, line=node.line)


def _file(node: Node) -> Path:
    assert node.source.file is not None
    return node.source.file

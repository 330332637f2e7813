"""What the values of mask files stand for: the classes, other numbers for them, or what does not count."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelMapping, LabelSet
from zoo.contract.labels.conversions import CONVERSIONS, FROM_ONE, TRUTHS
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.results.classes import class_names, class_value
from zoo.results.drawing.palette import unknown_class
from zoo.results.mapping import find_document, placed
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node
from zoo.settings.rules import array, mapping, whole

#: What masks hold, in any form: read already, {class: [value, ...]}, a YAML file, or the name of a built-in mapping.
TruthLabels: TypeAlias = LabelMapping | Mapping[str, Any] | str | os.PathLike[str]

#: In a table of values: pixels that do not count, and values that are no class.
NOT_COUNTED, NO_CLASS = -1, -2
#: How many values a mask of 16 bits can hold.
VALUES = 65536

#: Values that mean "no class" in masks of 8 and of 16 bits, unless they are one.
VOID = (255, 65535)
_TRUTH = DocumentKind(
    error=ConfigError,
    noun=Message("a mapping of mask values"),
    hint=Message("Write it as `labels: {road: [7], car: [26, 27]}`: the classes, each with its values in the masks."),
    named=Message("The mapping of mask values {file}"),
    name=Message("The mapping of mask values"),
    edited=True,
)
_SCHEMA = mapping(
    {"labels": {"type": "object", "minProperties": 1, "additionalProperties": array(whole(0, VALUES - 1), 1)}},
    closed=True,
)


def read_truth(given: TruthLabels, classes: LabelSet) -> LabelMapping:
    """Reads what mask values stand for, or checks that a mapping ends in these classes.

    Args:
        given: "from-one" or the name of a label mapping; a YAML file with `labels: {class: [value, ...]}`, its
            content, or only the inner mapping; or a `LabelMapping`, which is returned as it is.
        classes: What the masks are brought to. A name that stands twice is followed by its value, "screen (130)".

    Returns:
        The mapping. Values that it leaves out become the ignore index of its label set.

    Raises:
        ConfigError: There is no such mapping or file, it is not understood, it names a class that does not exist or a
            value twice, or it ends in other classes.
    """
    if isinstance(given, LabelMapping):
        return _checked(given, classes)
    if isinstance(given, Mapping):
        given = given if "labels" in given else {"labels": given}
    elif os.fspath(given) in CONVERSIONS:
        return _checked(CONVERSIONS[os.fspath(given)].mapping, classes)
    elif os.fspath(given) == FROM_ONE:
        return _of({value + 1: value for value in range(len(classes))}, classes, FROM_ONE)
    hint = Message("Give VALUE=CLASS, a YAML file, or one of: {known:, }.", known=list(TRUTHS))
    return _read(*find_document(given, _TRUTH, TRUTHS, hint), classes)


def value_table(
    start: int, end: int, ignore_index: int | None, truth: LabelMapping | None, labels: LabelMapping | None
) -> NDArray[np.int32]:
    """Makes the table of what becomes of every mask value.

    Args:
        start: How many classes masks are numbered in after `truth`, from 0.
        end: How many classes are compared.
        ignore_index: Value in the files that does not count; by default 255 and 65535 where they are no class.
        truth: From the values in the files to the classes.
        labels: From these classes to those that are compared.

    Returns:
        (65536,) the class of each value, `NOT_COUNTED` or `NO_CLASS`.
    """
    values = np.arange(VALUES, dtype=np.uint16)
    known = np.ones(VALUES, np.bool_) if truth is not None else values < start
    counted = np.ones(VALUES, np.bool_)
    for step in (truth, labels):
        if step is not None:
            values = step.apply(values).astype(np.uint16)
            # A class that the mapping leaves out is not measured.
            counted &= values != step.labels.ignore_index
    known &= (values < end) | ~counted
    table = np.where(known, np.where(counted, values.astype(np.int32), NOT_COUNTED), NO_CLASS).astype(np.int32)
    for void in VOID if ignore_index is None else (ignore_index,):
        if 0 <= void < VALUES and (ignore_index is not None or table[void] == NO_CLASS):
            table[void] = NOT_COUNTED
    return table


def _checked(truth: LabelMapping, expected: LabelSet) -> LabelMapping:
    end = truth.labels
    if end.names != expected.names:
        raise ConfigError(
            "The label mapping {truth_labels} brings the masks to the {count} classes of {end}. They are "
            "compared with others, the {expected_count} of {expected}.",
            "Use a mapping that ends in those, or bring the predictions to the classes of the masks with --labels.",
            truth_labels=truth.name,
            count=len(end),
            end=end.name,
            expected_count=len(expected),
            expected=expected.name,
        )
    return truth


def _read(root: Node, name: str, classes: LabelSet) -> LabelMapping:
    content = conform(root, _SCHEMA)
    values: dict[int, int] = {}
    for new, numbers in root["labels"].members():
        number = class_value(classes, new)
        if number is None or number >= len(classes):
            names = class_names(classes, range(len(classes)))
            place = Message("the label set {source!r}", source=classes.name)
            raise placed(numbers, unknown_class(new, names, place))
        for index, value in enumerate(content["labels"][new]):
            if value in values:
                raise numbers[index].fault(
                    "{place} uses the value {value} twice: for {used!r} and for {new!r}.",
                    "Take it out of one of them.",
                    value=value,
                    used=class_names(classes, [values[value]])[0],
                    new=new,
                )
            values[value] = number
    return _of(values, classes, name)


def _of(values: Mapping[int, int], classes: LabelSet, name: str) -> LabelMapping:
    # The ignore index of some label sets is a class of theirs.
    labels = replace(classes, ignore_index=VALUES - 1)
    table = [labels.ignore_index] * (max(values) + 1)
    for value, number in values.items():
        table[value] = number
    return LabelMapping(name, labels, tuple(table))

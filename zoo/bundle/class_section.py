"""The classes of a model as plain data in a settings file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoo.contract.labels import LabelSet
from zoo.message import Message
from zoo.settings.rules import TEXT, array, mapping, whole

CLASS_SECTION = mapping(
    {
        "name": TEXT,
        "ignore_index": whole(0, 65535),
        "classes": array(
            mapping({"name": TEXT, "color": array(whole(0, 255), 3, 3)}),
            1,
            256,
            title=Message("a list of 1 to 256 classes"),
        ),
    }
)


def class_section(labels: LabelSet) -> dict[str, Any]:
    """Returns classes as plain data."""
    return {
        "name": labels.name,
        "ignore_index": labels.ignore_index,
        "classes": [
            {"name": name, "color": list(color)} for name, color in zip(labels.names, labels.palette, strict=True)
        ],
    }


def read_class_section(values: dict[str, Any]) -> LabelSet:
    """Returns the classes of what follows `CLASS_SECTION`."""
    classes: list[dict[str, Any]] = values["classes"]
    palette = tuple(tuple(item["color"]) for item in classes)
    names = tuple(item["name"] for item in classes)
    return against_background(LabelSet(values["name"], names, palette, values["ignore_index"]))


def against_background(labels: LabelSet) -> LabelSet:
    """Returns two classes for one, which one channel tells from everything else; several as they are."""
    if len(labels) > 1:
        return labels
    return replace(labels, names=("background", *labels.names), palette=((0, 0, 0), *labels.palette))

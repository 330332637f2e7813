"""Label mappings by name, from a file or from plain data.

    labels:                       # the new classes in the order of their values, each with the classes it takes
      road: [road, pavement]
      vehicles: [car, truck]
    colors: {road: "#804080"}     # optional; otherwise a class has the colour of the first class it takes
    rest: drop                    # or keep

`rest: drop`, the default, makes all other classes unknown; `rest: keep` puts them, as they are, behind the new ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from zoo.base.files import user_path
from zoo.contract.labels import Color, LabelSet
from zoo.contract.labels.conversions import CONVERSIONS
from zoo.contract.labels.mapping import LabelMapping
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.results.classes import class_names
from zoo.results.drawing.palette import read_color, unknown_class
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, node_of
from zoo.settings.rules import ANYTHING, array
from zoo.settings.rules import mapping as mapping_rule
from zoo.settings.yaml_text import read_yaml

MAPPING = DocumentKind(
    error=ConfigError,
    noun=Message("a label mapping"),
    hint=Message(
        'Write it as `labels: {road: [road, pavement]}`, and if you like `colors: {road: "#804080"}` and `rest: keep`.'
    ),
    named=Message("The label mapping {file}"),
    name=Message("The label mapping"),
    edited=True,
)
SCHEMA = mapping_rule(
    {
        "labels": {
            "title": Message("a mapping of new classes to the classes that make them up"),
            "type": "object",
            "minProperties": 1,
            "additionalProperties": array(ANYTHING, 1, title=Message("a list of classes")),
        }
    },
    {
        "colors": {"title": Message("a mapping of new classes to their colours"), "type": "object"},
        "rest": {"enum": ["drop", "keep"]},
    },
    closed=True,
)


def read_mapping(mapping: LabelMapping | str | os.PathLike[str] | Mapping[str, Any], source: LabelSet) -> LabelMapping:
    """Reads a label mapping, or checks that one starts from these classes.

    Args:
        mapping: "cityscapes-ids", "cityscapes-trainids" or "ade20k-to-cityscapes"; a YAML file; its content; or a
            `LabelMapping`, which is returned as it is.
        source: The classes it starts from. A name that stands twice is followed by its value, "screen (130)".

    Returns:
        The mapping. Its label set has the ignore index of the source, or 255 (65535) where that would be a class.

    Raises:
        ConfigError: There is no such mapping or file, it is not understood, it names a class that does not exist or
            names one twice, or it starts from other classes.
    """
    if isinstance(mapping, LabelMapping):
        return _checked(mapping, source)
    if not isinstance(mapping, Mapping) and os.fspath(mapping) in CONVERSIONS:
        return _checked(CONVERSIONS[os.fspath(mapping)].mapping, source)
    hint = Message("Give a YAML file, or one of: {conversions:, }.", conversions=list(CONVERSIONS))
    return _read(*find_document(mapping, MAPPING, CONVERSIONS, hint), source)


def find_document(
    given: str | os.PathLike[str] | Mapping[str, Any], kind: DocumentKind, known: Iterable[str], hint: str
) -> tuple[Node, str]:
    """Finds a mapping of classes or values that has no name of its own.

    Args:
        given: A YAML file, or its content.
        kind: What it is to be.
        known: Names that were possibly meant.
        hint: What helps where none of them was.

    Returns:
        The document, and what the mapping is called.

    Raises:
        ConfigError: There is no such file, or it cannot be read.
    """
    if isinstance(given, Mapping):
        return node_of(given, kind), "custom"
    text = os.fspath(given)
    path = Path(user_path(text))
    if not path.is_file():
        close = get_close_matches(text, list(known), n=1)
        raise ConfigError(
            "{text!r} is not {noun}: no built-in mapping and no file has this name.",
            Message("Did you mean {suggestion}?", suggestion=close[0]) if close else hint,
            text=text,
            noun=kind.noun,
        )
    return read_yaml(path, kind), path.stem


def _checked(mapping: LabelMapping, source: LabelSet) -> LabelMapping:
    hint = Message("Use a model with those classes, or write a mapping of your own.")
    start = mapping.source
    if start is not None and start.names != source.names:
        raise ConfigError(
            "The label mapping {mapping} starts from the {count} classes of {start}. The label set {source!r} "
            "has others, {source_count} of them.",
            hint,
            mapping=mapping.name,
            count=len(start),
            start=start.name,
            source=source.name,
            source_count=len(source),
        )
    if len(mapping.table) != len(source):
        raise ConfigError(
            "The label mapping {mapping} starts from {count} classes. The label set {source!r} has {source_count}.",
            hint,
            mapping=mapping.name,
            count=len(mapping.table),
            source=source.name,
            source_count=len(source),
        )
    return mapping


def _read(root: Node, name: str, source: LabelSet) -> LabelMapping:
    content = conform(root, SCHEMA)
    names = class_names(source, range(len(source)))
    groups = _groups(root["labels"], names, source)
    if content.get("rest") == "keep":
        _keep_rest(groups, names, root)
    if len(groups) > 256:
        raise root.fault("{place} makes {count} classes. At most 256 were expected.", "Make fewer.", count=len(groups))
    chosen = {name: source.palette[values[0]] for name, values in groups.items()}
    if "colors" in root:
        for new, color in root["colors"].members():
            chosen[new] = _color(new, color, chosen)
    ignored = next(index for index in (source.ignore_index, 255, 65535) if len(groups) <= index <= 65535)
    table = [ignored] * len(source)
    for value, old in enumerate(groups.values()):
        for index in old:
            table[index] = value
    labels = LabelSet(name, tuple(groups), tuple(chosen.values()), ignored)
    return LabelMapping(name, labels, tuple(table), source)


def _groups(labels: Node, names: list[str], source: LabelSet) -> dict[str, list[int]]:
    """Returns the values of the source that each new class takes."""
    groups: dict[str, list[int]] = {}
    used: dict[str, str] = {}
    for new, old in labels.members():
        if not new.strip():
            raise labels.fault(
                "{place} has a class called {new!r}. A name was expected.", "Put the name in quotes.", new=new
            )
        groups[new] = []
        for _, item in old.members():
            name = item.value
            if not isinstance(name, str) or name not in names:
                raise placed(item, unknown_class(name, names, Message("the label set {source!r}", source=source.name)))
            if name in used:
                raise item.fault(
                    "{place} uses the class {name!r} twice: for {used!r} and for {new!r}.",
                    "Take it out of one of them.",
                    name=name,
                    used=used[name],
                    new=new,
                )
            used[name] = new
            groups[new].append(names.index(name))
    return groups


def _keep_rest(groups: dict[str, list[int]], names: list[str], root: Node) -> None:
    taken = {value for values in groups.values() for value in values}
    for value, name in enumerate(names):
        if value in taken:
            continue
        if name in groups:
            raise root["labels"][name].fault(
                "{place} makes a class {name!r}, and keeps the one that has this name already.",
                "Add it to the list of classes that make up {name!r}, or choose another name.",
                name=name,
            )
        groups[name] = [value]


def _color(new: str, color: Node, known: Mapping[str, Color]) -> Color:
    if new not in known:
        raise placed(color, unknown_class(new, list(known), Message("the new label set")))
    try:
        return read_color(color.value, new)
    except ConfigError as error:
        raise placed(color, error) from error


def placed(node: Node, error: ConfigError) -> ConfigError:
    """Returns the same error with its place, where it stands in a file."""
    if node.source.file is None:
        return error
    return ConfigError(Message("{place}: {fact}", place=node.place, fact=error.message), error.hint)

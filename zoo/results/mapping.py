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
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from zoo.contract.labels import (
    Color,
    LabelSet,
)
from zoo.contract.labels.conversions import CONVERSIONS
from zoo.contract.labels.mapping import LabelMapping
from zoo.errors import BundleError, ConfigError
from zoo.message import Message
from zoo.results.classes import class_names
from zoo.results.palette import read_color, unknown_class
from zoo.settings.yaml_file import read_settings

_KEYS = ("labels", "colors", "rest")
_FORM = Message("Write it as `labels: {road: [road, pavement], vehicles: [car, truck]}`.")


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
    if isinstance(mapping, Mapping):
        return _read(mapping, source, "custom", Message("The label mapping"))
    text = os.fspath(mapping)
    if text in CONVERSIONS:
        return _checked(CONVERSIONS[text].mapping, source)
    path = Path(text)
    if not path.is_file():
        close = get_close_matches(text, CONVERSIONS, n=1)
        raise ConfigError(
            "There is no label mapping {text!r}: no built-in mapping and no file has this name.",
            Message("Did you mean {suggestion}?", suggestion=close[0])
            if close
            else Message("Give a YAML file, or one of: {conversions:, }.", conversions=list(CONVERSIONS)),
            text=text,
        )
    try:
        content = read_settings(path)
    except BundleError as error:
        raise ConfigError(error.message, _FORM) from error
    return _read(content, source, path.stem, Message("The label mapping {path}", path=path))


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


def _read(content: Mapping[Any, Any], source: LabelSet, name: str, place: str) -> LabelMapping:
    for key in content:
        if key not in _KEYS:
            close = get_close_matches(str(key), _KEYS, n=1)
            raise ConfigError(
                "{place} has the key {key!r}. Known keys: {keys:, }.",
                Message("Did you mean {suggestion}?", suggestion=close[0]) if close else Message("Take it out."),
                place=place,
                key=key,
                keys=list(_KEYS),
            )
    rest = content.get("rest", "drop")
    if rest not in ("drop", "keep"):
        raise ConfigError(
            "{place} has rest {rest!r}. drop or keep was expected.", "Write `rest: drop`.", place=place, rest=rest
        )
    names = class_names(source, range(len(source)))
    groups = _groups(content.get("labels"), names, source, place)
    if rest == "keep":
        _keep_rest(groups, names, place)
    if len(groups) > 256:
        raise ConfigError(
            "{place} makes {count} classes. At most 256 were expected.", "Make fewer.", place=place, count=len(groups)
        )
    colors = _colors(content.get("colors", {}), groups, source, place)
    ignored = next(index for index in (source.ignore_index, 255, 65535) if len(groups) <= index <= 65535)
    table = [ignored] * len(source)
    for value, old in enumerate(groups.values()):
        for index in old:
            table[index] = value
    labels = LabelSet(name, tuple(groups), tuple(colors.values()), ignored)
    return LabelMapping(name, labels, tuple(table), source)


def _groups(labels: object, names: list[str], source: LabelSet, place: str) -> dict[str, list[int]]:
    """Returns the values of the source that each new class takes."""
    if not isinstance(labels, Mapping) or not labels:
        raise ConfigError("{place} has no labels: new classes with the classes that make them up.", _FORM, place=place)
    groups: dict[str, list[int]] = {}
    used: dict[str, str] = {}
    for new, old in cast(Mapping[object, object], labels).items():
        if not isinstance(new, str) or not new.strip():
            raise ConfigError(
                "{place} has a class called {new!r}. A name was expected.",
                "Put the name in quotes.",
                place=place,
                new=new,
            )
        if not isinstance(old, (list, tuple)) or not old:
            raise ConfigError(
                "{place} has {old!r:.60} for {new!r}. A list of classes was expected.",
                _FORM,
                place=place,
                old=old,
                new=new,
            )
        groups[new] = []
        for name in cast(list[object], old):
            if not isinstance(name, str) or name not in names:
                raise unknown_class(name, names, Message("the label set {source!r}", source=source.name))
            if name in used:
                raise ConfigError(
                    "{place} uses the class {name!r} twice: for {used!r} and for {new!r}.",
                    "Take it out of one of them.",
                    place=place,
                    name=name,
                    used=used[name],
                    new=new,
                )
            used[name] = new
            groups[new].append(names.index(name))
    return groups


def _keep_rest(groups: dict[str, list[int]], names: list[str], place: str) -> None:
    taken = {value for values in groups.values() for value in values}
    for value, name in enumerate(names):
        if value in taken:
            continue
        if name in groups:
            raise ConfigError(
                "{place} makes a class {name!r}, and keeps the one that has this name already.",
                "Add it to the list of classes that make up {name!r}, or choose another name.",
                place=place,
                name=name,
            )
        groups[name] = [value]


def _colors(colors: object, groups: Mapping[str, list[int]], source: LabelSet, place: str) -> dict[str, Color]:
    if not isinstance(colors, Mapping):
        raise ConfigError(
            "{place} has {colors!r:.60} for colors. Colours by class name were expected.",
            'Write it as `colors: {road: "#804080"}`.',
            place=place,
            colors=colors,
        )
    chosen = {name: source.palette[values[0]] for name, values in groups.items()}
    for name, color in cast(Mapping[object, object], colors).items():
        if not isinstance(name, str) or name not in chosen:
            raise unknown_class(name, list(chosen), Message("the new label set"))
        chosen[name] = read_color(color, name)
    return chosen

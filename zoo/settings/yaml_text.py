"""YAML from strangers, read within limits, and YAML written.

A plain safe load hangs on 761 bytes of nested aliases, raises RecursionError on deep nesting and keeps the last of two
equal keys in silence. Here values are made from the parser's events, so that nothing in the file is carried out,
expanded or overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError
from zoo.message import Message
from zoo.settings.document import DocumentKind, Keys, Node, Source, read_text

_MAX_DEPTH = 50
_EXPONENT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write_yaml(content: dict[str, Any]) -> str:
    """Returns plain data as YAML, in its order."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def read_yaml(file: Path, kind: DocumentKind) -> Node:
    """Reads a YAML mapping.

    Args:
        file: UTF-8 text within the limit of its kind, nested at most 50 deep, without aliases, tags or repeated keys.
        kind: Whose errors are raised.

    Raises:
        ZooError: It is anything else; of the class of its kind, and the message names the line.
    """
    source = Source(kind, file)
    text = read_text(source)
    if odd := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise source.malformed("holds the character {odd!r}, which YAML does not allow", line, odd=odd[0])
    builder = _Builder(source)
    try:
        value = builder.build(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = builder.line if mark is None else mark.line + 1
        reason = getattr(error, "problem", None) or error
        raise source.malformed("cannot be parsed: {reason}", line, reason=reason) from error
    except ZooError:
        raise
    except ValueError as error:
        # A date without such a day, a number of thousands of digits.
        raise source.malformed("cannot be parsed: {reason:.80}", builder.line, reason=error) from error
    root = Node(value, source._replace(lines=lambda: builder.lines))
    if not isinstance(value, dict):
        raise source.malformed(
            "is empty" if value is None else "holds a list or a single value, not a mapping", root.line
        )
    return root


def yaml_value(text: str, kind: DocumentKind) -> Any:
    """Reads a value that was typed, as on the command line, with the limits of `read_yaml`.

    Raises:
        ZooError: It is no YAML; of the class of the kind.
    """
    source = Source(kind)
    try:
        return _Builder(source).build(yaml.parse(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError) as error:
        raise source.malformed("cannot be parsed: {reason:.80}", 1, reason=error) from error


class _Builder:
    """Makes plain values of a parser's events, and notes their lines; `line` is where it is."""

    def __init__(self, source: Source) -> None:
        self.line = 1
        self.lines: dict[Keys, int] = {(): 1}
        self._source = source
        # Used for what a scalar means only; it never sees the file.
        self._meaning: Any = yaml.SafeLoader("")

    def build(self, events: Iterator[Any]) -> Any:
        """Returns the only document, or None where there is none."""
        value, documents = None, 0
        for event in events:
            self.line = event.start_mark.line + 1
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise self._source.malformed("holds a second document", self.line)
            if isinstance(event, yaml.NodeEvent):
                self.lines[()] = self.line
                value = self._value(event, events, ())
        return value

    def _value(self, event: Any, events: Iterator[Any], keys: Keys) -> Any:
        """Returns the value that begins with this event."""
        malformed = self._source.malformed
        if isinstance(event, yaml.AliasEvent):
            raise malformed("has an alias; aliases are not accepted", self.line)
        if event.tag is not None:
            raise malformed("has the tag {tag!r:.80}; tags are not accepted", self.line, tag=event.tag)
        if len(keys) >= _MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise malformed("is nested deeper than {max_depth} levels", self.line, max_depth=_MAX_DEPTH)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, keys)
        return self._mapping(events, keys) if isinstance(event, yaml.MappingStartEvent) else self._scalar(event)

    def _list(self, events: Iterator[Any], keys: Keys) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(events), yaml.SequenceEndEvent):
            place = (*keys, len(items))
            self.lines[place] = self.line
            items.append(self._value(event, events, place))
        return items

    def _mapping(self, events: Iterator[Any], keys: Keys) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := self._next(events), yaml.MappingEndEvent):
            line, malformed = self.line, self._source.malformed
            key = self._value(event, events, (*keys, ""))
            if not isinstance(key, str):
                shown = (
                    Message("a list or a mapping")
                    if isinstance(key, (list, dict))
                    else Message("{key!r:.80}, which is no text", key=key)
                )
                raise malformed("has a key that is {shown}", line, shown=shown)
            place = (*keys, key)
            if key in items:
                raise self._source.repeated(key, line, self.lines[place])
            self.lines[place] = line
            items[key] = self._value(self._next(events), events, place)
        return items

    def _scalar(self, event: Any) -> Any:
        if self._source.kind.exponents and event.implicit[0] and _EXPONENT.fullmatch(event.value):
            return float(event.value)
        tag = self._meaning.resolve(yaml.ScalarNode, event.value, event.implicit)
        return self._meaning.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark))

    def _next(self, events: Iterator[Any]) -> Any:
        event = next(events)
        self.line = event.start_mark.line + 1
        return event

"""A YAML file of a stranger as values that know their line, read within limits.

What is refused is what `zoo.settings.yaml_file` refuses in the settings of a model, where nobody has to find a line
again; the tree is made here from the parser's events, so that nothing in the file is carried out, expanded or
overwritten.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ConfigError
from zoo.message import Message, printable

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 50
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EXPECTED = Message("A pipeline file, which is a small YAML mapping, was expected.")
_RUN = Message("Run: zoo pipeline config semantic_segmentation  (it writes one to start from)")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: None, a bool, a number, text or a date; a list of nodes; or a dict of nodes by text.
        path: Where it is within its document, such as `save.kinds[1]`; empty for the whole.
        line: Line of its key, or of itself where it has none; 0 where it comes from no file.
        file: The file, or None for an argument.
    """

    value: Any
    path: str
    line: int = 0
    file: Path | None = None

    @property
    def place(self) -> str:
        """File, line and key path, for messages."""
        if not self.path:
            return Message("the pipeline") if self.file is None else printable(self.file)
        where = "" if self.file is None else Message("{file}, line {line}: ", file=self.file, line=self.line)
        return f"{where}`{printable(self.path)}`"

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain for key, item in self.value.items()}
        return [item.plain for item in self.value] if isinstance(self.value, list) else self.value


def member(path: str, key: str | int) -> str:
    """Returns the path of a member of a mapping or list."""
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")


def node_of(value: Any, path: str) -> Node:
    """Wraps plain data that comes from no file; numbers and lists of numpy become those of Python."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return Node({key: node_of(item, member(path, key)) for key, item in value.items()}, path)
    if isinstance(value, (list, tuple)):
        return Node([node_of(item, member(path, index)) for index, item in enumerate(value)], path)
    return Node(os.fspath(value) if isinstance(value, os.PathLike) else value, path)


def read_document(file: Path) -> Node:
    """Reads a YAML mapping.

    Args:
        file: UTF-8 text of at most 1 MB, nested at most 50 deep, without aliases, tags or repeated keys.

    Raises:
        ConfigError: It is anything else; the message names the line.
    """
    text = _read_text(file)
    if odd := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise _fault(file, Message("holds the character {odd!r}, which YAML does not allow", odd=odd[0]), line)
    builder = _Builder(file)
    try:
        root = builder.build(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = builder.line if mark is None else mark.line + 1
        reason = getattr(error, "problem", None) or error
        raise _fault(file, Message("cannot be parsed: {reason}", reason=reason), line) from error
    except ConfigError:
        raise
    except ValueError as error:
        # A date without such a day, a number of thousands of digits.
        raise _fault(file, Message("cannot be parsed: {reason:.80}", reason=error), builder.line) from error
    if not isinstance(root.value, dict):
        kind = Message("is empty") if root.value is None else Message("holds a list or a single value, not a mapping")
        raise _fault(file, kind, root.line)
    return root


def _read_text(file: Path) -> str:
    try:
        # A FIFO or a device would block a plain open for ever.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        try:
            regular = stat.S_ISREG(os.fstat(handle).st_mode)
            with open(handle, "rb", closefd=False) as opened:
                content = opened.read(_MAX_BYTES + 1) if regular else b""
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _fault(file, Message("cannot be read: {reason}", reason=reason)) from error
    if not regular:
        raise _fault(file, Message("is not a regular file"))
    if len(content) > _MAX_BYTES:
        raise _fault(file, Message("is larger than {max_bytes} bytes", max_bytes=_MAX_BYTES))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(file, Message("is not UTF-8 text"), content.count(b"\n", 0, error.start) + 1) from error


class _Builder:
    """Makes nodes of a parser's events; `line` is where it is."""

    def __init__(self, file: Path) -> None:
        self.line = 1
        self._file = file
        # Used for what a scalar means only; it never sees the file.
        self._meaning: Any = yaml.SafeLoader("")

    def build(self, events: Iterator[Any]) -> Node:
        """Returns the only document, or a node without a value where there is none."""
        root = Node(None, "", 1, self._file)
        documents = 0
        for event in events:
            self.line = event.start_mark.line + 1
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise _fault(self._file, Message("holds a second document"), self.line)
            if isinstance(event, yaml.NodeEvent):
                line = self.line
                root = Node(self._value(event, events, root), "", line, self._file)
        return root

    def _value(self, event: Any, events: Iterator[Any], parent: Node, depth: int = 1) -> Any:
        """Returns the value that begins with this event; `parent` is the node it will belong to."""
        if isinstance(event, yaml.AliasEvent):
            raise _fault(self._file, Message("has an alias; aliases are not accepted"), self.line)
        if event.tag is not None:
            raise _fault(
                self._file, Message("has the tag {tag!r:.80}; tags are not accepted", tag=event.tag), self.line
            )
        if depth > _MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise _fault(
                self._file, Message("is nested deeper than {max_depth} levels", max_depth=_MAX_DEPTH), self.line
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, parent, depth)
        return (
            self._mapping(events, parent, depth) if isinstance(event, yaml.MappingStartEvent) else self._scalar(event)
        )

    def _list(self, events: Iterator[Any], parent: Node, depth: int) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := self._next(events), yaml.SequenceEndEvent):
            place = Node(None, member(parent.path, len(items)), self.line, self._file)
            items.append(Node(self._value(event, events, place, depth + 1), place.path, place.line, self._file))
        return items

    def _mapping(self, events: Iterator[Any], parent: Node, depth: int) -> dict[str, Node]:
        items: dict[str, Node] = {}
        while not isinstance(event := self._next(events), yaml.MappingEndEvent):
            line = self.line
            key = self._value(event, events, parent, depth + 1)
            if not isinstance(key, str):
                shown = (
                    Message("a list or a mapping")
                    if isinstance(key, (list, dict))
                    else Message("{key!r:.80}, which is no text", key=key)
                )
                raise _fault(self._file, Message("has a key that is {shown}", shown=shown), line)
            if key in items:
                raise _fault(
                    self._file,
                    Message("has the key {key!r:.80} twice (first in line {line})", key=key, line=items[key].line),
                    line,
                )
            place = Node(None, member(parent.path, key), line, self._file)
            items[key] = Node(self._value(self._next(events), events, place, depth + 1), place.path, line, self._file)
        return items

    def _scalar(self, event: Any) -> Any:
        tag = self._meaning.resolve(yaml.ScalarNode, event.value, event.implicit)
        return self._meaning.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark))

    def _next(self, events: Iterator[Any]) -> Any:
        event = next(events)
        self.line = event.start_mark.line + 1
        return event


def _fault(file: Path, reason: str, line: int | None = None) -> ConfigError:
    if line is None:
        return ConfigError(
            "{file} {reason}. {expected}",
            "Give another path. {run}",
            file=file,
            reason=reason,
            expected=_EXPECTED,
            run=_RUN,
        )
    return ConfigError(
        "{file}, line {line}: the file {reason}. {expected}",
        "Correct it. {run}",
        file=file,
        line=line,
        reason=reason,
        expected=_EXPECTED,
        run=_RUN,
    )

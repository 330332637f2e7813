"""XML from strangers: elements that know their lines; no entities, no definitions of types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from zoo.errors import DatasetError, ZooError
from zoo.message import Message
from zoo.settings.document import DocumentKind, Node, Source, read_text

# Bytes.
_LIMIT = 1 << 30
# Characters of a text that are kept.
_LONGEST = 1000
_HINT = Message("Export the annotations again.")


@dataclass(slots=True)
class Element:
    """An element of a file.

    Attributes:
        tag: Its name.
        file: The file.
        line: Where it begins.
        attributes: Its attributes.
        children: Its elements, in their order.
        content: The text in it.
    """

    tag: str
    file: Path
    line: int
    attributes: Mapping[str, str]
    children: list[Element] = field(default_factory=list["Element"])
    content: str = ""

    def all(self, tag: str) -> list[Element]:
        """Returns its elements of this name."""
        return [child for child in self.children if child.tag == tag]

    def get(self, name: str) -> str:
        """Returns an attribute, empty where there is none."""
        return self.attributes.get(name, "")

    def text(self, name: str) -> str:
        """Returns an attribute that it must have.

        Raises:
            DatasetError: There is none.
        """
        if name not in self.attributes:
            raise self.fault("{place} has no `{name}`, which was expected.", name=name)
        return self.attributes[name]

    def number(self, name: str, missing: float | None = None) -> float:
        """Returns an attribute as a finite number.

        Raises:
            DatasetError: It is none.
        """
        text = self.text(name) if missing is None else self.attributes.get(name, str(missing))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.fault("{place} has the {name} {text!r:.40}; a number was expected.", name=name, text=text)
        return value

    def whole(self, name: str, low: int, high: int) -> int:
        """Returns an attribute as a whole number within bounds.

        Raises:
            DatasetError: It is none.
        """
        value = self.number(name)
        if value != int(value) or not low <= value <= high:
            raise self.fault(
                "{place} has the {name} {text!r:.40}; a whole number from {low} to {high} was expected.",
                name=name,
                text=self.text(name),
                low=low,
                high=high,
            )
        return int(value)

    def node(self) -> Node:
        """Returns its attributes as a node, for what takes those."""
        kind = DocumentKind(DatasetError, hint=_HINT)
        return Node(dict(self.attributes), Source(kind, self.file, lambda: {(): self.line}))

    def fault(self, message: str, hint: str = "", /, **values: object) -> ZooError:
        """Returns the error for what is wrong with it; `{place}` stands for file, line and name."""
        place = Message("{file}, line {line}: <{tag}>", file=self.file, line=self.line, tag=self.tag)
        return DatasetError(message, hint or _HINT, place=place, **values)


def read_xml(file: Path, noun: str) -> Element:
    """Reads a file, and returns its outermost element.

    Args:
        file: UTF-8 text.
        noun: What it should be, with an article.

    Raises:
        DatasetError: It is none, or has a document type, which annotations do not need and attacks do.
    """
    source = Source(DocumentKind(DatasetError, noun, _HINT, limit=_LIMIT), file)
    text = read_text(source)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    outermost = Element("", file, 0, {})
    open_elements = [outermost]

    def begin(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, file, parser.CurrentLineNumber, attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(tag: str) -> None:
        open_elements.pop()

    def add(content: str) -> None:
        if len(open_elements[-1].content) < _LONGEST:
            open_elements[-1].content += content.strip()

    def refuse(*_: object) -> None:
        raise source.malformed("has a document type, which may define anything", parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, add
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise source.malformed("cannot be parsed: {reason}", error.lineno, reason=reason) from error
    return outermost.children[0]

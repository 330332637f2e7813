"""Documents from outside as plain values that can say where each of them stands, and the errors about them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from zoo.errors import ZooError
from zoo.message import Message

#: Where a value is within its document: text in mappings, numbers in lists; empty for the whole.
Keys = tuple[str | int, ...]


class DocumentKind(NamedTuple):
    """What is said of a faulty document of a kind, and the class of the error.

    The texts may be left out where nobody sees the error.

    Attributes:
        error: Class of every error.
        noun: What it is, with an article: "a pipeline".
        hint: What helps.
        unread: What helps where the file cannot be read at all, if that is something else.
        named: How a fault inside names the file; `{file}` stands for its path.
        name: How it names a document that comes from no file; empty where the keys alone say enough.
        limit: Bytes that are read at most.
        edited: People write it, so a wrong key is answered with the one that may have been meant.
        python: It is no document but arguments of a call.
        exponents: 1e-3 is a number in it, as in YAML 1.2 and elsewhere; to YAML 1.1 that is text, and 1.0e-3 a number.
    """

    error: type[ZooError]
    noun: str = ""
    hint: str = ""
    unread: str = ""
    named: str = "{file}"
    name: str = ""
    limit: int = 1_000_000
    edited: bool = False
    python: bool = False
    exponents: bool = False


class Source(NamedTuple):
    """What values come from.

    Attributes:
        kind: Kind of the document.
        file: The file, or None for an argument.
        lines: Returns the line of every value: that of its key, or of itself where it has none.
    """

    kind: DocumentKind
    file: Path | None = None
    lines: Callable[[], Mapping[Keys, int]] = dict[Keys, int]

    @property
    def document(self) -> str:
        """The name of the whole, for messages."""
        return self.kind.name if self.file is None else Message(self.kind.named, file=self.file)

    def malformed(self, reason: str, line: int, /, **values: object) -> ZooError:
        """Returns the error for a content that is no such document; `reason` goes on after "the file"."""
        message = Message(
            "{document}, line {line}: the file {reason}; expected {noun}.",
            document=self.document,
            line=line,
            reason=Message(reason, **values),
            noun=self.kind.noun,
        )
        return self.kind.error(message, self.kind.hint)

    def repeated(self, key: object, line: int, first: int) -> ZooError:
        """Returns the error for a mapping with a key that stands in an earlier line too."""
        return self.malformed("has the key {key!r:.80} twice (first in line {first})", line, key=key, first=first)

    def unreadable(self, reason: str, /, **values: object) -> ZooError:
        """Returns the error for a file that is no text at all; `reason` goes on after its name."""
        message = Message(
            "{file} {reason}; expected {noun}.",
            file=self.file,
            reason=Message(reason, **values),
            noun=self.kind.noun,
        )
        return self.kind.error(message, self.kind.unread or self.kind.hint)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: None, a bool, a number, text or a date; or a list or dict of such.
        source: What it comes from.
        keys: Where it is in that.
    """

    value: Any
    source: Source
    keys: Keys = ()

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str | int) -> Node:
        return Node(self.value[key], self.source, (*self.keys, key))

    def members(self) -> Iterator[tuple[Any, Node]]:
        """Yields the members of a mapping or a list with their keys or numbers."""
        for key in self.value if isinstance(self.value, dict) else range(len(self.value)):
            yield key, self[key]

    @property
    def line(self) -> int:
        """Its line; 0 where it comes from no file."""
        return self.source.lines().get(self.keys, 0)

    @property
    def path(self) -> str:
        """Its keys as text, such as `save.kinds[1]`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys).lstrip(".")

    @property
    def place(self) -> str:
        """File, line and key path, for messages."""
        document, path = self.source.document, self.path
        if self.source.file is None:
            where = Message("{document}: `{path}`" if document else "`{path}`", document=document, path=path)
            return where if path else document
        if not path:
            return Message("{document}, line {line}: the file", document=document, line=self.line)
        return Message("{document}, line {line}: `{path}`", document=document, line=self.line, path=path)

    def fault(self, message: str, hint: str = "", /, **values: object) -> ZooError:
        """Returns the error of this kind of document.

        Args:
            message: Template; `{place}` stands for the place of this value.
            hint: Likewise; empty for the usual one.
            values: What stands for the other fields of both.
        """
        return self.source.kind.error(message, hint or self.source.kind.hint, place=self.place, **values)


def node_of(value: Any, kind: DocumentKind, *keys: str) -> Node:
    """Wraps plain data that comes from no file."""
    return Node(_plain(value), Source(kind), keys)


def _plain(value: Any) -> Any:
    # Numbers and arrays of numpy become those of Python.
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in cast("list[Any]", value)]
    return os.fspath(cast("os.PathLike[str]", value)) if isinstance(value, os.PathLike) else value


def read_text(source: Source) -> str:
    """Reads a file of UTF-8 text.

    Raises:
        ZooError: It cannot be read, is no regular file, is too large, or is something else; of the class of its kind.
    """
    file, limit = cast("Path", source.file), source.kind.limit
    try:
        # A FIFO or a device would block a plain open for ever.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        try:
            regular = stat.S_ISREG(os.fstat(handle).st_mode)
            with open(handle, "rb", closefd=False) as opened:
                content = opened.read(limit + 1) if regular else b""
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise source.unreadable("does not exist") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise source.unreadable("cannot be read: {reason}", reason=reason) from error
    if not regular:
        raise source.unreadable("is not a regular file")
    if len(content) > limit:
        raise source.unreadable("is larger than {max_bytes} bytes", max_bytes=limit)
    return decode_text(content, source)


def decode_text(content: bytes, source: Source) -> str:
    """Returns UTF-8 text without its byte order mark.

    Raises:
        ZooError: It is something else; of the class of its kind.
    """
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise source.malformed("is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from error

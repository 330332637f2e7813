"""File objects of the caller's -> bytes."""

from __future__ import annotations

import os
from typing import Any

from zoo.errors import SourceError, UnsupportedSourceError
from zoo.message import Message

#: Most bytes that are read from a file object.
MAX_BYTES = 1 << 29

_BLOCK = 1 << 20


def read_stream(file: Any, name: str) -> bytes:
    """Reads a file object from where it stands to its end, and does not close it.

    Args:
        file: Something with a `read` that returns bytes.
        name: What error messages call it.

    Raises:
        SourceError: It cannot be read, is at its end already, or sends more than `MAX_BYTES`.
        UnsupportedSourceError: It gives text.
    """
    content = bytearray()
    try:
        while (block := file.read(_BLOCK)) != b"":
            if not isinstance(block, (bytes, bytearray, memoryview)):
                kind = "text" if isinstance(block, str) else Message("a {qualname}", qualname=type(block).__qualname__)
                raise UnsupportedSourceError(
                    "{name} gives {kind}. Bytes were expected.", 'Open it with mode "rb".', name=name, kind=kind
                )
            content += block
            if len(content) > MAX_BYTES:
                fact = Message(
                    "{name} gives more than {max_bytes} bytes, which is the most that is read of a file object.",
                    name=name,
                    max_bytes=MAX_BYTES,
                )
                raise SourceError(fact, "Save it to a file and give its path.")
        place = 0 if content or not file.seekable() else file.tell()
    except SourceError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise SourceError(
            "{name} cannot be read: {reason}.", "Pass an open file, or a path.", name=name, reason=reason
        ) from error
    if place:
        fact = Message("{name} is at its end (byte {place}). It is read from where it stands.", name=name, place=place)
        raise SourceError(fact, "Go back to its beginning first: file.seek(0).")
    return bytes(content)


def label_of(file: Any) -> str:
    """Returns the name of the file behind a file object, or ""."""
    try:
        name = file.name
    except Exception:
        return ""
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else ""

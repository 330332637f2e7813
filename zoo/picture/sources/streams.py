"""File objects of the caller's -> bytes."""

from __future__ import annotations

import os
from typing import Any

from zoo.base.text import printable
from zoo.errors import SourceError, UnsupportedSourceError

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
                kind = "text" if isinstance(block, str) else f"a {type(block).__qualname__}"
                raise UnsupportedSourceError(f"{name} gives {kind}. Bytes were expected.", 'Open it with mode "rb".')
            content += block
            if len(content) > MAX_BYTES:
                fact = f"{name} gives more than {MAX_BYTES} bytes, which is the most that is read of a file object."
                raise SourceError(fact, "Save it to a file and give its path.")
        place = 0 if content or not file.seekable() else file.tell()
    except SourceError:
        raise
    except Exception as error:
        reason = printable(str(error)) or type(error).__name__
        raise SourceError(f"{name} cannot be read: {reason}.", "Pass an open file, or a path.") from error
    if place:
        fact = f"{name} is at its end (byte {place}). It is read from where it stands."
        raise SourceError(fact, "Go back to its beginning first: file.seek(0).")
    return bytes(content)


def label_of(file: Any) -> str:
    """Returns the name of the file behind a file object, or ""."""
    try:
        name = file.name
    except Exception:
        return ""
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else ""

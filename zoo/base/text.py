"""Text for people: names that come from outside, made safe to show."""

from __future__ import annotations

import os


def printable(text: str | os.PathLike[str]) -> str:
    """Escapes whatever could break or forge a line of output.

    File names may hold newlines, terminal codes, direction marks or bytes that are not UTF-8.

    Args:
        text: A path or any text.

    Returns:
        The same text, with everything unprintable as a backslash escape; always encodable as UTF-8.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in os.fspath(text))

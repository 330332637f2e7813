"""Text in the cells of a terminal, in which a Chinese character takes two."""

from __future__ import annotations

import re

#: A word, or one wide character, with the marks that must not be parted from it.
_UNIT = r"[（《]*(?:[\u2e80-\uffef]|[^\s\u2e80-\uffef]+)[，。；：、！？）》]*"


def cells(text: str) -> int:
    """Returns how many cells a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else category(c) not in ("Mn", "Me", "Cf") for c in text)


def padded(text: str, width: int, right: bool = False) -> str:
    """Returns a text with blanks up to a width in cells, behind it or before it."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def cut(text: str, width: int) -> str:
    """Returns a text, or as much of its beginning as fits into so many cells with … behind it."""
    if cells(text) <= width:
        return text
    while text and cells(text) >= width:
        text = text[:-1]
    return f"{text}…"


def wrapped(text: str, width: int) -> list[str]:
    """Breaks a text into lines of at most so many cells; a single word that is longer is left whole.

    Chinese text breaks between any two characters, but not before a mark such as 。 that ends something.
    """
    lines: list[str] = []
    line = ""
    end = 0
    for unit in re.finditer(_UNIT, text):
        blank = " " if unit.start() > end and line else ""
        end = unit.end()
        if line and cells(line) + len(blank) + cells(unit[0]) > width:
            lines.append(line)
            line = unit[0]
        else:
            line += blank + unit[0]
    return [*lines, line]

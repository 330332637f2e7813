"""Texts for people: a template and the values put into it, made safe to show.

A `Message` is its English text, so it goes wherever a text goes; who shows it in another language takes its template
and its values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

#: {name}, {name!r}, {name:format}
FIELD = re.compile(r"\{([A-Za-z_]\w*)(!r)?(?::([^{}]*))?\}")


class Message(str):
    """A text with values.

    A template has fields such as {name}, {name!r} for a quoted name, {share:.1%} for a figure, and {names:, } for a
    list whose items stand with ", " between them. Braces around anything else are only braces. A value may be a message
    itself, whose full stop goes where one follows; other values are never translated. What cannot be printed in a value
    is escaped.

    Args:
        template: The text in English.
        values: What stands for the fields. Of an object that is no plain data is kept what it shows.

    Attributes:
        template: As given.
        values: As given, read-only.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: object) -> Message:
        """Puts the values into the template."""
        kept = {name: _kept(value) for name, value in values.items()}
        message = super().__new__(cls, filled(template, kept))
        message.template = template
        message.values = MappingProxyType(kept)
        return message

    def __str__(self) -> Message:
        # So that `str(error)` is a message too, where an error was raised with one.
        return self

    def __reduce__(self) -> tuple[Callable[[str, dict[str, Any]], Message], tuple[str, dict[str, Any]]]:
        return _again, (self.template, dict(self.values))


def filled(template: str, values: Mapping[str, Any], translate: Callable[[Message], str] = str) -> str:
    """Returns a template with values for its fields; a field without a value stays as it is.

    Args:
        template: As of a message, in any language.
        values: As of a message.
        translate: Returns the text of a value that is a message.
    """

    def text(value: Any, quoted: str | None, form: str) -> str:
        if isinstance(value, Message):
            return translate(value)
        if form and not quoted and isinstance(value, (list, tuple)):
            return form.join(text(item, None, "") for item in cast("list[Any]", value))
        try:
            return printable(format(repr(value) if quoted else value, form))
        except (TypeError, ValueError):  # a figure was expected, such as 12.5, and there is none
            return printable(str(value))

    def field(match: re.Match[str]) -> str:
        name, quoted, form = match.groups()
        if name not in values:
            return match[0]
        shown = text(values[name], quoted, form or "")
        stopped = isinstance(values[name], Message) and template.startswith((".", "。"), match.end())
        return shown.rstrip(".。") if stopped else shown

    return FIELD.sub(field, template)


def joined_notes(*notes: str) -> str:
    """Returns one note of several, of which some may be empty; each stays what it is."""
    said = [note for note in notes if note]
    return said[0] if len(said) == 1 else Message("{notes:; }", notes=said) if said else ""


def notes_in(note: str) -> Iterator[str]:
    """Yields the notes that `joined_notes` made one."""
    if isinstance(note, Message) and "notes" in note.values:
        for part in note.values["notes"]:
            yield from notes_in(part)
    elif note:
        yield note


def printable(text: str | os.PathLike[str]) -> str:
    """Escapes whatever could break or forge a line of output.

    File names may hold newlines, terminal codes, direction marks or bytes that are not UTF-8.

    Args:
        text: A path or any text.

    Returns:
        The same text, with everything unprintable as a backslash escape; always encodable as UTF-8.
    """
    text = os.fspath(text)
    if text.isprintable():
        return str(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shell_word(path: str | os.PathLike[str]) -> str:
    """Returns a path as it stands in a command that can be copied: in quotes where a shell would part it."""
    text = printable(path)
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    import shlex  # seldom, and start-up does not need it

    return shlex.quote(text)


def described(error: BaseException) -> str:
    """Returns the kind of an exception and what it says, in one line and without a full stop."""
    kind = type(error).__name__
    try:
        # An error of zoo has a hint too, which is none here.
        text = getattr(error, "message", None)
        if not isinstance(text, Message):
            text = " ".join(str(error).split()).rstrip(" .")
    except Exception:  # a stranger's error may raise anything
        text = ""
    return Message("{type}: {reason}", type=kind, reason=text) if text else kind


class _Shown(str):
    """What an object shows: its `str`, and as `repr` its own."""

    __slots__ = ("_quoted",)

    def __new__(cls, text: str, quoted: str) -> _Shown:
        shown = super().__new__(cls, text)
        shown._quoted = quoted
        return shown

    def __repr__(self) -> str:
        return self._quoted

    def __reduce__(self) -> tuple[type[_Shown], tuple[str, str]]:
        return _Shown, (str(self), self._quoted)


def _kept(value: object) -> object:
    """Returns a value as it can be kept, copied and sent: plain data as it is, of anything else what it shows."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(cast("os.PathLike[str]", value))
    if isinstance(value, (list, tuple)):
        items = map(_kept, cast("list[object]", value))
        return list(items) if isinstance(value, list) else tuple(items)
    try:
        shown = str(value)
        if isinstance(shown, Message):
            return shown
        quoted = repr(value)
    except Exception:  # a stranger's object may raise anything
        shown = quoted = f"<{type(value).__name__}>"
    from numbers import Number  # start-up does not need it

    return value if isinstance(value, Number) else _Shown(shown, quoted)


def _again(template: str, values: dict[str, Any]) -> Message:
    return Message(template, **values)

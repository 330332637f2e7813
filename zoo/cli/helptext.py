"""Help in Chinese: every part is translated when it is written, and lines are broken by cells."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from gettext import gettext

import click

from zoo.cli.cells import cells, padded, wrapped
from zoo.cli.language import translate


class ChineseFormatter(click.HelpFormatter):
    """Writes help as click does, in Chinese.

    Args:
        command: The command that is shown.
        width: Width of the terminal, or None.
        max_width: Most cells of a line, or None.
    """

    def __init__(self, command: click.Command, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(width=width, max_width=max_width)
        # click cuts the help of sub-commands to a line before it is written, which no catalogue knows any more.
        self._lines = {name: _first_sentence(inner) for name, inner in getattr(command, "commands", {}).items()}

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Writes the line of usage."""
        first = f"{gettext('Usage:')}{prog} "
        self._write(wrapped(args, self.width - cells(first)), first)

    def write_heading(self, heading: str) -> None:
        """Writes the heading of a section."""
        self._write([f"{heading}："])

    def write_text(self, text: str) -> None:
        """Writes paragraphs; those below a backspace sign keep their lines."""
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip("\n"))):
            if number:
                self.write("\n")
            if paragraph.startswith("\b"):
                self._write([translate(line.rstrip()) for line in paragraph.split("\n")[1:]])
            else:
                self._write(wrapped(translate(" ".join(paragraph.split())), self.width - self.current_indent))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Writes terms and what they mean, in two columns."""
        rows = list(rows)
        column = min(max((cells(term) for term, _ in rows), default=0), col_max) + col_spacing
        for term, meaning in rows:
            lines = wrapped(self._meaning(term, meaning), max(self.width - self.current_indent - column, 20))
            if cells(term) + col_spacing > column:
                self._write([term])
                term = ""
            self._write(lines, padded(term, column))

    def _meaning(self, term: str, meaning: str) -> str:
        if term in self._lines:
            return translate(self._lines[term]).partition("。")[0]
        # "Help of the option.  [default: 3; required]": the brackets are click's, or part of the help.
        # click words the help of its own options once in a process, in the language of that time.
        # gettext has the head of its catalogue for an empty text.
        text, _, extra = (gettext(translate(meaning)) if meaning else "").partition("  [")
        return translate(text) + (f"（{extra.removesuffix(']').replace('; ', '；')}）" if extra else "")

    def _write(self, lines: Iterable[str], first: str = "") -> None:
        """Writes lines, the first behind a text and the others below where it began."""
        before = " " * self.current_indent + first
        for line in lines:
            self.write(f"{before}{line}".rstrip() + "\n")
            before = " " * cells(before)


def _first_sentence(command: click.Command) -> str:
    text = inspect.cleandoc(command.short_help or command.help or "")
    return " ".join(text.partition("\n\n")[0].split())

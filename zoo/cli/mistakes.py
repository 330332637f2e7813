"""Wrong usage, told in the user's language and with what was probably meant."""

from __future__ import annotations

import io
import re
from typing import IO, Any

import click

from zoo.cli.language import translate


class Mistake(click.UsageError):
    """A usage error of click, with a suggestion where click has none.

    Args:
        error: What click raised.
    """

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(" ".join(filter(None, (error.format_message(), _suggestion(error)))), error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints usage and message on standard error, or into a file."""
        english = io.StringIO()
        super().show(english)
        click.echo(translate(english.getvalue()), file=file, err=file is None, nl=False)


def _suggestion(error: click.UsageError) -> str:
    group = error.ctx.command if error.ctx is not None else None
    message = error.format_message()
    if error.ctx is None or "Did you mean" in message:
        return ""
    if isinstance(error, click.NoSuchOption):
        root = error.ctx.find_root()
        if root is not error.ctx and any(error.option_name in option.opts for option in root.command.params):
            return f"It stands before the command: {root.info_name} {error.option_name} {error.ctx.info_name}"
    # Newer versions of click look only into commands that are loaded, older ones not at all.
    elif isinstance(group, click.Group) and (wrong := re.fullmatch(r"No such command '(.*)'\.", message)):
        from difflib import get_close_matches

        if close := get_close_matches(wrong[1], group.list_commands(error.ctx)):
            return f"Did you mean {' or '.join(close)}?"
    return ""

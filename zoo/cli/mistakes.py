"""Wrong usage, told in the user's language and with what was probably meant."""

from __future__ import annotations

import io
import re
from difflib import get_close_matches
from typing import IO, Any

import click

from zoo.cli.language import translate


class Mistake(click.UsageError):
    """A usage error of click, with a suggestion where click has none or a worse one.

    Args:
        error: What click raised.
    """

    def __init__(self, error: click.UsageError) -> None:
        own = _suggestion(error)
        super().__init__(f"{error.message} {own}" if own else error.format_message(), error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints usage and message on standard error, or into a file."""
        english = io.StringIO()
        super().show(english)
        click.echo(translate(english.getvalue()), file=file, err=file is None, nl=False)


def _suggestion(error: click.UsageError) -> str:
    """Returns what was meant; empty where only click can know."""
    if error.ctx is None:
        return ""
    if isinstance(error, click.NoSuchOption):
        return _option(error.option_name, error.ctx)
    # Newer versions of click look only into commands that are loaded, older ones not at all.
    wrong = re.fullmatch(r"No such command '(.+)'\.", error.message)
    if wrong and isinstance(error.ctx.command, click.Group):
        names = error.ctx.command.list_commands(error.ctx)
        close = get_close_matches(wrong[1], names) or [name for name in names if name.startswith(wrong[1])]
        return f"Did you mean {' or '.join(close)}?" if close else ""
    return ""


def _option(name: str, ctx: click.Context) -> str:
    """Returns where an option belongs, or how it is spelt."""
    root = ctx.find_root()
    known = [option for parameter in root.command.get_params(root) for option in parameter.opts]
    if root is not ctx:
        words = ctx.command_path.removeprefix(f"{root.info_name} ")
        return f"It stands before the command: {root.info_name} {name} {words}" if name in known else ""
    from zoo.cli.legacy import DOCUMENTED

    flag = name.replace("_", "-")
    if flag in DOCUMENTED:
        # Without a command it is known beside --pipeline only.
        return f"It belongs to a command: {root.info_name} predict {'X' if flag == '--input' else f'X {flag}'}"
    close = get_close_matches(flag, [*DOCUMENTED, *known], n=1)
    return f"Did you mean '{close[0]}'?" if close and close[0] in DOCUMENTED else ""

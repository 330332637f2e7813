"""Words for people beside the data: on standard error and in the user's language; notes not with `zoo --quiet`."""

from __future__ import annotations

import click

from zoo.cli.language import translate


def note(text: str) -> None:
    """Prints a note on standard error.

    Args:
        text: Whole lines in English. What comes from outside must be printable (`zoo.base.text.printable`).
    """
    if not quiet():
        click.echo(translate(text), err=True)


def alert(text: str) -> None:
    """Prints what went wrong on standard error, also with `--quiet`.

    Args:
        text: As for `note`.
    """
    click.echo(translate(text), err=True)


def quiet() -> bool:
    """Returns whether the command that runs was told to print data and errors only.

    Threads that a command starts have no command of their own: ask before you start them.
    """
    return _told_to_be("quiet")


def verbose() -> bool:
    """Returns whether the command that runs was told to tell everything; see `quiet`."""
    return _told_to_be("verbose") or _told_to_be("debug")


def _told_to_be(flag: str) -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get(flag))

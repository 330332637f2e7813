"""Words for people beside the data: on standard error and in the user's language; notes not with `zoo --quiet`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from zoo.cli.language import translate
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.errors import ZooError

#: An option as Python has it.
_IN_PYTHON = re.compile(
    r"""\b([a-z_]+)=('[^']*'|"[^"]*"|\([^()]*\)|True|False|[0-9]+(?:\.[0-9]+)?|(?:FILE|NAME|NUMBER)\b)"""
)


def note(template: str, /, **values: object) -> None:
    """Prints a note on standard error.

    Args:
        template: Of whole lines in English, as of `zoo.message.Message`, or a message.
        values: Its values.
    """
    if not quiet():
        alert(template, **values)


def alert(template: str, /, **values: object) -> None:
    """Prints what went wrong on standard error, also with `--quiet`.

    Args:
        template: As of `note`.
        values: As of `note`.
    """
    message = template if isinstance(template, Message) else Message(template, **values)
    click.echo(translate(message), err=True)


def alert_error(error: ZooError) -> None:
    """Prints the two lines of an error on standard error; a stranger's may hold anything."""
    for text in (translate(error.message), on_the_command_line(translate(error.hint))):
        click.echo(printable(text), err=True)


def alert_interrupted(end: KeyboardInterrupt, left: int | None = None) -> int:
    """Says on standard error that a command was interrupted.

    Args:
        end: What ended it.
        left: Inputs that are not done, where there are some and that is known.

    Returns:
        The exit code.
    """
    from zoo.base.signals import exit_code

    if left:
        alert("Interrupted, {left} left.", left=left)
    else:
        alert("Interrupted.")
    return exit_code(end)


def on_the_command_line(hint: str) -> str:
    """Spells the options in a hint as the command line does: device='cpu' becomes --device cpu."""

    def spelt(match: re.Match[str]) -> str:
        option = BY_NAME.get(match[1]) or BY_NAME.get(f"save_{match[1]}")
        if match[1] != "model" and (option is None or not option.commands):
            return match[0]
        name = "--model" if option is None else option.spellings[0]
        listed = option is not None and isinstance(option.default, tuple)
        value = re.sub(", *", "," if listed else " ", match[2].strip("'\"(),"))
        return {"True": name, "False": name.replace("--", "--no-", 1)}.get(value, f"{name} {value}")

    if "=" not in hint:
        return hint
    from zoo.predict.options import BY_NAME

    return _IN_PYTHON.sub(spelt, hint)


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

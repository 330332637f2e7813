"""Wrong usage, told with what was probably meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from gettext import gettext

import click

from zoo.cli.elsewhere import ABSENT, ABSENT_OPTIONS, COMMANDS, OPTIONS
from zoo.cli.language import sentences, tr, translate
from zoo.message import printable


class Mistake(click.UsageError):
    """A usage error of click, with a suggestion where click has none or a worse one.

    Args:
        error: What click raised.
    """

    def __init__(self, error: click.UsageError) -> None:
        own = _suggestion(error)
        super().__init__(sentences(error.message, own) if own else error.format_message(), error.ctx)


def _suggestion(error: click.UsageError) -> str:
    """Returns what was meant; empty where only click can know."""
    if error.ctx is None:
        return ""
    if isinstance(error, click.NoSuchOption):
        return _option(error.option_name, error.ctx)
    # Newer versions of click look only into commands that are loaded, older ones not at all.
    wrong = _command(error)
    if wrong and isinstance(error.ctx.command, click.Group):
        names = error.ctx.command.list_commands(error.ctx)
        if error.ctx.parent is None and wrong in ABSENT:
            return translate(ABSENT[wrong])
        if error.ctx.parent is None and wrong in COMMANDS:
            return tr("Did you mean {suggestions: or }?", suggestions=[COMMANDS[wrong]])
        if error.ctx.parent is None and _is_input(wrong):
            return tr("Did you mean {suggestions: or }?", suggestions=[f"zoo predict {printable(wrong)}"])
        close = get_close_matches(wrong, names) or [name for name in names if name.startswith(wrong)]
        return tr("Did you mean {suggestions: or }?", suggestions=close) if close else ""
    return ""


def _is_input(word: str) -> bool:
    """Returns whether a word is a file, a folder or an address rather than a command."""
    return os.path.exists(word) or "://" in word or bool(os.path.splitext(word)[1])


def _command(error: click.UsageError) -> str:
    """Returns the command that does not exist; empty if the error is another one."""
    # Older versions of click have no class for it.
    before, _, after = gettext("No such command {name!r}.").partition("{name!r}")
    if not error.message.startswith(before) or not error.message.endswith(after):
        return ""
    return error.message[len(before) : -len(after)].strip("'\"")


def _option(name: str, ctx: click.Context) -> str:
    """Returns where an option belongs, or how it is spelt."""
    root = ctx.find_root()
    known = [option for parameter in root.command.get_params(root) for option in parameter.opts]
    if root is not ctx:
        words = ctx.command_path.removeprefix(f"{root.info_name} ")
        example = f"{root.info_name} {name} {words}"
        if name in known:
            return tr("It stands before the command: {example}", example=example)
        return _elsewhere(name, [option for parameter in ctx.command.get_params(ctx) for option in parameter.opts])
    if isinstance(root.command, click.Group) and name.removeprefix("--") in root.command.list_commands(root):
        return tr("It is a command: {example}", example=f"{root.info_name} {name.removeprefix('--')}")
    from zoo.cli.legacy import DOCUMENTED

    flag = name.replace("_", "-")
    if flag in DOCUMENTED:
        # Without a command it is known beside --pipeline only.
        example = f"{root.info_name} predict {'X' if flag == '--input' else f'X {flag}'}"
        return tr("It belongs to a command: {example}", example=example)
    if meant := _elsewhere(name, known):
        return meant
    close = get_close_matches(flag, [*DOCUMENTED, *known], n=1)
    return tr("Did you mean {option!r}?", option=close[0]) if close and close[0] in DOCUMENTED else ""


def _elsewhere(name: str, known: Sequence[str]) -> str:
    """Returns which of the options of a command is meant by one that other programs have."""
    spelt = name.replace("_", "-") if name.startswith("--") else name
    if spelt in ABSENT_OPTIONS and "--save" in known:
        return translate(ABSENT_OPTIONS[spelt])
    # PaddleX spells its options with low lines.
    meant = next((option for option in (spelt, *OPTIONS.get(spelt, ())) if option.split()[0] in known), None)
    return "" if meant is None else tr("Did you mean {option!r}?", option=meant)

"""What the library logs, on standard error: warnings, with --verbose what it does, with --debug everything."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Generator

import click

from zoo.cli.language import translate
from zoo.cli.notes import on_the_command_line
from zoo.message import Message, printable


class _StandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Prints a record in the user's language, line by line."""
        spoken = copy.copy(record)
        spoken.msg = translate(str(record.msg))
        if isinstance(record.args, tuple):
            spoken.args = tuple(_spoken(value) if isinstance(value, Message) else value for value in record.args)
        click.echo("\n".join(map(printable, self.format(spoken).split("\n"))), err=True)


def _spoken(message: Message) -> str:
    return on_the_command_line(translate(message))


@contextlib.contextmanager
def logging_at(level: int) -> Generator[None, None, None]:
    """Prints what the logger "zoo" says from a level on, as long as the block runs.

    Args:
        level: As `logging.INFO`.
    """
    logger = logging.getLogger("zoo")
    handler = _StandardError(level)
    if level <= logging.DEBUG:
        handler.setFormatter(logging.Formatter("%(name)s %(levelname)s: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)

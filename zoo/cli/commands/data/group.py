"""`zoo data`: labelled pictures before anything is trained on them."""

from __future__ import annotations

import click

from zoo.cli.commands.data.check import check
from zoo.cli.commands.data.convert import convert
from zoo.cli.commands.data.split import split


@click.group()
def data() -> None:
    """Convert, check and split labelled pictures."""


data.add_command(check)
data.add_command(convert)
data.add_command(split)

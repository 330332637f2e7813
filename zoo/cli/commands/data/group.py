"""`zoo data`: what can be done with datasets."""

from __future__ import annotations

import click

from zoo.cli.commands.data.check import check


@click.group()
def data() -> None:
    """Check and repair datasets of your own."""


data.add_command(check)

"""`zoo registry build` and `zoo registry check`."""

from __future__ import annotations

import click

from zoo.registry.build import check_catalogue, write_catalogue
from zoo.text import printable


@click.group()
def registry() -> None:
    """Build or check registry.yaml and docs/models.md of a source tree, which describe the first-party plugins."""


@registry.command()
def build() -> None:
    """Write both files from the plugins of this source tree, which must be installed."""
    for path in write_catalogue():
        click.echo(f"Written: {printable(path)}", err=True)


@registry.command()
def check() -> None:
    """Exit with 1 if one of the files is not what `zoo registry build` would write."""
    for path in check_catalogue():
        click.echo(f"Up to date: {printable(path)}", err=True)

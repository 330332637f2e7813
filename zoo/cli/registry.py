"""`zoo registry build` and `zoo registry check`."""

from __future__ import annotations

import click

from zoo.registry.build import check_catalogue, write_catalogue
from zoo.text import printable


@click.group()
def registry() -> None:
    """Build or check registry.yaml of a source tree, the catalogue of first-party plugins."""


@registry.command()
def build() -> None:
    """Write registry.yaml from the plugins of this source tree, which must be installed."""
    click.echo(f"Written: {printable(write_catalogue())}", err=True)


@registry.command()
def check() -> None:
    """Exit with 1 if registry.yaml is not what `zoo registry build` would write."""
    path = check_catalogue()
    click.echo(f"Up to date: {printable(path)}", err=True)

"""`zoo new-plugin`: the beginning of a plugin."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.notes import note
from zoo.registry.scaffold import KINDS, write_plugin


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=".",
    help="Where the folder of the plugin is made.  [default: here]",
)
def new_plugin(kind: str, name: str, output: Path) -> None:
    """Write a working plugin called NAME, with its test: a family of models, a device or an engine (backend).

    Change it from there. zoo plugins check looks for faults of what is installed.
    """
    begun = write_plugin(kind, name, output)
    note("Written: {path}", path=begun.folder)
    for file in begun.files:
        note("  {path}", path=file)
    note("Run: cd {folder} && pip install -e . && zoo plugins check && python -m pytest", folder=begun.folder)

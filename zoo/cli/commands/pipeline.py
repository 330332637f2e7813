"""`zoo pipeline`: pipeline files to start from, and what may stand in them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from zoo.cli.language import tr
from zoo.cli.tables import echo_json
from zoo.message import printable


def _folder(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    if value.suffix in (".yaml", ".yml"):
        raise click.BadParameter(tr("{value} is the name of a file; give a folder.", value=value), ctx, parameter)
    return value


@click.group()
def pipeline() -> None:
    """Write a pipeline file to start from; show what may stand in it."""


@pipeline.command()
@click.argument("name")
@click.option(
    "--save-path",
    "-o",
    type=click.Path(path_type=Path),
    callback=_folder,
    default=Path(),
    help="Folder for the file; by default the current one.",
)
@click.option("-y", "--yes", is_flag=True, help="Replace an existing file without asking.")
def config(name: str, save_path: Path, yes: bool) -> None:
    """Write the file of the pipeline NAME (semantic_segmentation), to be changed at will."""
    from zoo.base.files import ensure_folder, write_atomic
    from zoo.errors import OutputError
    from zoo.predict.pipeline import builtin_file

    source = builtin_file(name)
    target = ensure_folder(save_path) / source.name
    if os.path.lexists(target) and not yes:
        question = tr("{target} exists already. Replace it?", target=target)
        if not (sys.stdin.isatty() and click.confirm(question, err=True)):
            raise OutputError(
                "{target} exists already and was not touched.",
                "Add -y to replace it, or give another folder: --save-path FOLDER",
                target=target,
            )
    click.echo(printable(write_atomic(target, source.read_bytes())))


@pipeline.command()
def schema() -> None:
    """Print the JSON schema of pipeline files, for editors."""
    from zoo.predict.pipeline.schema import schema as form

    echo_json(form())

"""`zoo registry build` and `zoo registry check`."""

from __future__ import annotations

import os

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.notes import note
from zoo.registry import find_model
from zoo.registry.build import check_catalogue, first_party, top, write_catalogue


@click.group()
def registry() -> None:
    """Build or check registry.yaml and docs/models.md of a source tree, which describe the first-party plugins."""


@registry.command()
def build() -> None:
    """Write both files from the plugins of this source tree, which must be installed."""
    for path in write_catalogue():
        note("Written: {path}", path=path)


@registry.command()
def check() -> None:
    """Exit with 1 if one of the files is not what `zoo registry build` would write."""
    for path in check_catalogue():
        note("Up to date: {path}", path=path)


@registry.command()
@click.argument("models", type=MODEL, nargs=-1)
def pin(models: tuple[str, ...]) -> None:
    """Download the official files of MODELS, by default all, and write their digests into the plugins' tables."""
    from zoo.cli.progress.loading import loading
    from zoo.registry.discovery import discover
    from zoo.store.model_files import make_options
    from zoo.store.pin import pin as write_tables

    if os.environ.get("ZOO_MIRROR"):
        note("ZOO_MIRROR is set: the digests will be those of the mirror's files.")
    tree = top()
    if models:
        chosen = [find_model(name) for name in models]
    else:
        own = set(first_party(tree))
        chosen = [model for model in discover("zoo.models").installed_models if model.distribution in own]
    with loading("taking digests") as progress:
        for path in write_tables(chosen, tree, make_options(None, True, progress)):
            note("Written: {path}", path=path)

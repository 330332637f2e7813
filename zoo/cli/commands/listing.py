"""`zoo list-models`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from zoo.cli.notes import alert
from zoo.cli.tables import echo_json, echo_table, miou_text, size_text, status_text
from zoo.message import Message
from zoo.registry import ModelEntry, registry
from zoo.registry.entry import Sort


@click.command("list-models")
@click.argument("pattern", default="*")
@click.option("--family", metavar="NAME", help="Only this family.")
@click.option("--dataset", metavar="NAME", help="Only models trained on this dataset.")
@click.option("--installed", is_flag=True, help="Only models whose plugin is installed.")
@click.option(
    "--sort",
    type=click.Choice(["name", "family", "miou", "size", "dataset"]),
    default="name",
    show_default=True,
    help="Order: by mIoU the best first, one dataset after the other; by size the smallest first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print names only.")
def list_models(
    pattern: str,
    family: str | None,
    dataset: str | None,
    installed: bool,
    sort: Sort,
    as_json: bool,
    quiet: bool,
) -> None:
    """List the models there are, installed or not.

    PATTERN is a glob on names and aliases, such as "PP-LiteSeg*"; letter case does not matter. mIoU is in percent.
    """
    models = registry()
    entries = models.list_models(pattern, family=family, dataset=dataset, installed=installed or None, sort=sort)
    if as_json:
        echo_json([entry_document(entry) for entry in entries])
    elif quiet:
        for entry in entries:
            click.echo(entry.name)
    elif entries:
        rows = [
            (
                entry.name,
                entry.title,
                miou_text(entry.miou, entry.inference),
                entry.dataset,
                size_text(entry.size),
                entry.install if entry.status == "not installed" else status_text(entry),
            )
            for entry in entries
        ]
        echo_table(("NAME", "FAMILY", "mIoU", "DATASET", "SIZE", "STATUS"), rows, right=(2, 4))
    if not entries:
        close = models.suggestions(pattern)
        said = (
            Message("No model matches {pattern!r} with these filters.", pattern=pattern)
            if family or dataset or installed
            else Message("No model matches {pattern!r}.", pattern=pattern)
        )
        meant = Message("Did you mean {suggestions: or }?", suggestions=close)
        alert(Message("{said} {meant}", said=said, meant=meant) if close else said)
        alert("Run: zoo list-models")
        click.get_current_context().exit(1)


def entry_document(entry: ModelEntry) -> dict[str, Any]:
    """Returns what `--json` prints of one model: the listing's fields without the card."""
    document = asdict(replace(entry, card=None))
    del document["card"]
    return document

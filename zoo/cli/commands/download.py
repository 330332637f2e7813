"""`zoo download`: model files to this machine, before they are needed."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr, translate
from zoo.cli.notes import note
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table, size_text
from zoo.contract.spec import ModelCard
from zoo.errors import ModelNotFoundError, ModelNotInstalledError
from zoo.registry import find_model, registry
from zoo.registry.records import Kind


@click.command()
@click.argument("models", type=MODEL, nargs=-1)
@click.option(
    "--weights",
    type=click.Choice(["inference", "pretrained"]),
    default="inference",
    show_default=True,
    help="The export folder, or the official checkpoint to fine-tune from.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be downloaded, and download nothing.")
@lock_options
@click.option("--verify", is_flag=True, help="Take the digest of files that are here already, too.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def download(
    models: tuple[str, ...],
    weights: Kind,
    dry_run: bool,
    lock: Path | None,
    verify: bool,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Download MODELS, names or patterns such as "PP-LiteSeg*"; with a lock file by default all it holds."""
    from zoo.store import fetch
    from zoo.store.lock import read_lock

    if not models and lock is None:
        raise click.UsageError(tr("Give the names of models, or a lock file."))
    cards = chosen_cards(models or tuple(sorted(read_lock(lock or ""))))
    if dry_run:
        _plan(cards, weights, as_json)
        return
    places: list[dict[str, str]] = []
    with loading("looking for the files") as progress:
        for card in cards:
            path = fetch(card.name, weights, offline=offline, lock=lock, verify=verify, progress=progress)
            places.append({"model": card.name, "weights": weights, "path": str(path)})
            if not as_json:
                click.echo(path)
    if as_json:
        echo_json(places)


def chosen_cards(names: tuple[str, ...]) -> list[ModelCard]:
    """Returns the installed models that are named or match a pattern, each once."""
    cards: dict[str, ModelCard] = {}
    for name in names:
        if any(sign in name for sign in "*?["):
            found = [entry.card for entry in registry().list_models(name, installed=True) if entry.card is not None]
            if not found:
                raise ModelNotFoundError(
                    "No installed model matches {name!r}.", "Run: zoo list-models --installed", name=name
                )
        else:
            found = [_card(name)]
        cards |= {card.name: card for card in found}
    return list(cards.values())


def _card(name: str) -> ModelCard:
    from zoo.bundle.settings_file import settings_file

    try:
        return find_model(name).card
    except ModelNotFoundError as error:
        if isinstance(error, ModelNotInstalledError) or settings_file(Path(name)) is None:
            raise
        raise ModelNotFoundError(
            "{name} is an export folder; lock files, packs and the cache hold models by their names.",
            "Run: zoo list-models",
            name=name,
        ) from error


def _plan(cards: list[ModelCard], weights: Kind, as_json: bool) -> None:
    from zoo.base.home import home
    from zoo.contract.spec import Embedded
    from zoo.registry.records import Wanted, kept
    from zoo.store.model_files import place_of

    rows: list[dict[str, object]] = []
    for card in cards:
        place = place_of(card, weights)
        if isinstance(place, Embedded):
            state, size, about = "part of its plugin", None, False
        else:
            state = "here" if kept(home(), Wanted(card.name, weights, place)) else "to download"
            # Published sizes are of the inference archives, and rounded.
            listed = card.listed_size if weights == "inference" else None
            size, about = (place.size, False) if place.size is not None else (listed, listed is not None)
        rows.append({"model": card.name, "weights": weights, "state": state, "size": size, "size_is_rounded": about})
    if as_json:
        echo_json(rows)
        return
    shown = [(str(row["model"]), translate(str(row["state"])), _size(row)) for row in rows]
    echo_table(("MODEL", "STATE", "SIZE"), shown, right=(2,))
    missing = [row for row in rows if row["state"] == "to download"]
    known = sum(_whole(row) or 0 for row in missing)
    unknown = sum(1 for row in missing if row["size"] is None)
    note(
        "{count} to download, {size} and {unknown} of unknown size" if unknown else "{count} to download, {size}",
        count=len(missing),
        size=size_text(known),
        unknown=unknown,
    )


def _size(row: dict[str, object]) -> str:
    size = size_text(_whole(row))
    return tr("about {size}", size=size) if row["size_is_rounded"] else size


def _whole(row: dict[str, object]) -> int | None:
    size = row["size"]
    return size if isinstance(size, int) else None

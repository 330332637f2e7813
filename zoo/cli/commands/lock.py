"""`zoo lock`: write down exactly what a team uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.notes import alert, note
from zoo.cli.options import kinds_option, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.run_options import given, run_options
from zoo.errors import ModelNotFoundError
from zoo.registry import find_model
from zoo.registry.records import LOCK_FILE, Kind

if TYPE_CHECKING:
    from zoo.store.lock import LockedModel


@click.command()
@click.argument("models", type=MODEL, nargs=-1)
@click.option("--output", "-o", type=click.Path(path_type=Path), default=LOCK_FILE, show_default=True, help="The file.")
@kinds_option
@run_options("lock")
@offline_option
@click.pass_context
def lock(
    ctx: click.Context, models: tuple[str, ...], output: Path, weights: tuple[Kind, ...], offline: bool | None, **_: Any
) -> None:
    """Write MODELS, names or patterns, into a lock file as they are now; what else it holds stays.

    Without MODELS everything the file holds is written anew, or, where there is none, everything in the cache. It holds
    the plugin's version, address, size and digest of the download, the digest of every file, of the preprocessing and
    of the labels, and the engine that runs the model here, with its version and precision. Files that are not here are
    downloaded.
    """
    from zoo.base.home import home
    from zoo.cli.commands.download import chosen_cards
    from zoo.store.gather import gather
    from zoo.store.inventory import cached
    from zoo.store.lock import read_lock, write_lock
    from zoo.store.model_files import make_options
    from zoo.store.store import Store

    before = read_lock(output) if output.exists() else {}
    wanted: dict[str, set[Kind]] = {}
    if models:
        for card in chosen_cards(models):
            held = before.get(card.name)
            wanted[card.name] = set(weights) | (set(held.weights) if held is not None else set[Kind]())
    elif before:
        wanted = {name: set(model.weights) for name, model in before.items()}
    else:
        for entry in cached(Store(home())):
            wanted.setdefault(entry.record.model, set()).add(entry.record.kind)
    if not wanted:
        raise ModelNotFoundError("The cache holds no model to lock.", "Run: zoo lock MODEL")
    with loading("taking digests") as progress:
        options = make_options(offline, False, progress)
        locked = [gather(find_model(name), sorted(kinds), options)[0] for name, kinds in wanted.items()]
        locked = [_with_engine(model, before.get(model.name), offline, given(ctx)) for model in locked]
    write_lock(output, (before | {model.name: model for model in locked}).values())
    click.echo(output)
    note("{count} locked: {wanted:, }", count=len(locked), wanted=sorted(wanted))
    for model in locked:
        if (engine := model.engine) is not None:
            parts = [*(engine.libraries or (engine.name,)), engine.precision]
            note("  {model}  ({parts:, })", model=model.name, parts=parts)


def _with_engine(
    model: LockedModel, before: LockedModel | None, offline: bool | None, asked: dict[str, Any]
) -> LockedModel:
    """Adds the engine that runs a model here; the precision that the file holds stays, unless another is given."""
    from zoo.bundle.bundle import settled
    from zoo.engine.device import available_cores
    from zoo.errors import BackendNotInstalledError
    from zoo.proof.choice import choose_engine
    from zoo.proof.locked import locked_engine
    from zoo.store.find import find_bundle

    if "inference" not in model.weights:
        return model
    held = "float32" if before is None or before.engine is None else before.engine.precision
    program = settled(find_bundle(model.name, offline=offline)).verify()
    try:
        choice = choose_engine(
            program,
            asked.get("device", "cpu"),
            asked.get("backend", "auto"),
            available_cores(),
            asked.get("precision") or held,
        )
    except BackendNotInstalledError as error:
        if asked:
            raise
        alert("{model} is locked without an engine. {reason}", model=model.name, reason=error.message)
        return model
    return replace(model, engine=locked_engine(choice.candidate, program))

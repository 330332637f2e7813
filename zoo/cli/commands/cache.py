"""`zoo cache`: what is on this machine, and keeping it in order."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from zoo.base.home import RUN_FILES, home, kept_below
from zoo.base.home import forget as forget_files
from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr
from zoo.cli.notes import alert, note
from zoo.cli.options import Size, Span, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table, size_text
from zoo.message import Message

if TYPE_CHECKING:
    from zoo.store.inventory import CacheEntry


#: Column FROM, by the origin in a record.
_FROM = {"download": "download", "bundle": "pack"}
_REMOVED = Message("removed {what}, {size}")
_WOULD_REMOVE = Message("would remove {what}, {size}")
_REMOVED_ALL = Message("removed {size} in all")
_WOULD_REMOVE_ALL = Message("would remove {size} in all")


@click.group()
def cache() -> None:
    """Show and tidy the model files on this machine."""


@cache.command("dir")
def show_folder() -> None:
    """Show the cache folder (ZOO_HOME, else the user's cache folder)."""
    click.echo(home())


@cache.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_files(as_json: bool) -> None:
    """List the models in the cache."""
    from zoo.bundle.calibration import kept_calibrations
    from zoo.engine.kit.kept import kept_files
    from zoo.store.inventory import cached, when
    from zoo.store.store import Store

    entries = cached(Store(home()))
    if as_json:
        echo_json([entry.record._asdict() | {"bytes": entry.size, "used": when(entry.used)} for entry in entries])
        return
    _table(entries)
    total = size_text(sum(entry.size for entry in entries))
    note("{count} in {folder}, {size}", count=len(entries), folder=home(), size=total)
    if compiled := kept_files():
        total = size_text(sum(size for _, size in compiled))
        note("programs that engines compiled: {count}, {size}", count=len(compiled), size=total)
    if calibrations := kept_calibrations():
        total = size_text(sum(size for _, size in calibrations))
        note("int8 calibrations: {count}, {size}", count=len(calibrations), size=total)
    if runs := kept_below(RUN_FILES):
        note("models of runs in folders that cannot be written: {size}", size=size_text(sum(size for _, size in runs)))


@cache.command("rm")
@click.argument("models", type=MODEL, nargs=-1)
@click.option("--forget", is_flag=True, help="Forget the recorded digests too: the next download may be another file.")
@click.option("--trials", is_flag=True, help="Forget how programs ran in trials on this machine: they are tried again.")
@click.option("--compiled", is_flag=True, help="Remove what engines compiled, and models of runs: made when needed.")
@click.option("--calibrations", is_flag=True, help="Remove what `zoo optimize --precision int8` found.")
@click.pass_context
def remove_models(
    ctx: click.Context, models: tuple[str, ...], forget: bool, trials: bool, compiled: bool, calibrations: bool
) -> None:
    """Remove the files of MODELS, names or patterns."""
    from zoo.bundle.calibration import forget_calibrations
    from zoo.engine.kit.kept import forget_kept
    from zoo.engine.trial import forget_trials
    from zoo.store.inventory import cached, forgotten, matching, remove
    from zoo.store.store import Store

    if not (models or trials or compiled or calibrations):
        raise click.UsageError(tr("Give at least one model, --trials, --compiled or --calibrations."), ctx)
    if trials:
        click.echo(tr("trials forgotten: {count}", count=forget_trials()))
    if compiled:
        click.echo(tr(_REMOVED, what=Message("compiled programs"), size=size_text(forget_kept())))
        if runs := forget_files(RUN_FILES):
            click.echo(tr(_REMOVED, what=Message("models of runs"), size=size_text(sum(size for _, size in runs))))
    if calibrations:
        click.echo(tr(_REMOVED, what=Message("int8 calibrations"), size=size_text(forget_calibrations())))
    if not models:
        return
    store = Store(home())
    known = cached(store) + (forgotten(store) if forget else [])
    for entry in matching(known, models):
        remove(store, entry, forget)
        template = Message("forgot {what}, {size}") if forget else _REMOVED
        click.echo(tr(template, what=_name(entry), size=size_text(entry.size)))


@cache.command()
@click.option("--older-than", type=Span(), help="Remove models not used for so long, such as 30d.")
@click.option("--keep-size", type=Size(), help="Remove the longest unused models down to a size, such as 2GB.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
def prune(older_than: float | None, keep_size: int | None, dry_run: bool) -> None:
    """Remove what no model has needed for a day, and models that are old or too many."""
    from zoo.store.inventory import leftovers, remove, stale, sweep
    from zoo.store.store import Store

    store = Store(home())
    template, total = (_WOULD_REMOVE, _WOULD_REMOVE_ALL) if dry_run else (_REMOVED, _REMOVED_ALL)
    freed = 0
    for entry in stale(store, older_than, keep_size):
        if not dry_run:
            remove(store, entry)
        freed += entry.size
        click.echo(tr(template, what=_name(entry), size=size_text(entry.size)))
    for leftover in leftovers(store):
        if not dry_run:
            sweep(leftover)
        freed += leftover.size
        what = Message("{kind} {name}", kind=leftover.what, name=leftover.path.name)
        click.echo(tr(template, what=what, size=size_text(leftover.size)))
    note(total.template, size=size_text(freed))


@cache.command()
@click.argument("models", type=MODEL, nargs=-1)
@click.option("--repair", is_flag=True, help="Download damaged files again; forget damaged records.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(ctx: click.Context, models: tuple[str, ...], repair: bool, offline: bool | None, as_json: bool) -> None:
    """Take the digest of every file of MODELS, by default of all."""
    from zoo.store.inventory import verify as verify_files
    from zoo.store.model_files import make_options
    from zoo.store.store import Store

    with loading("taking digests") as progress:
        options = make_options(offline, True, progress) if repair else None
        verdicts = list(verify_files(Store(home()), models, options))
    if as_json:
        echo_json([asdict(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            state = Message("ok") if not verdict.fault else verdict.repair or Message("damaged")
            name = f"{verdict.model or verdict.key} {verdict.kind}".strip()
            click.echo(tr("{name}: {state}", name=name, state=state))
            if verdict.fault:
                alert("  {fault}", fault=verdict.fault)
    if not all(verdict.whole for verdict in verdicts):
        if not repair:
            alert("Run: zoo cache verify --repair")
        ctx.exit(1)


def _name(entry: CacheEntry) -> str:
    return f"{entry.record.model} {entry.record.kind}"


def _table(entries: list[CacheEntry]) -> None:
    from zoo.store.inventory import when

    rows = [
        (entry.record.model, entry.record.kind, size_text(entry.size), when(entry.used), _FROM[entry.record.origin])
        for entry in entries
    ]
    echo_table(("MODEL", "WEIGHTS", "SIZE", "LAST USED", "FROM"), rows, right=(2,))

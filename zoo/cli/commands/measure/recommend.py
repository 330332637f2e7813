"""`zoo recommend`: which model suits one's own pictures on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.base.files import ensure_folder, write_atomic
from zoo.cli.commands.completion import DEVICE, MODEL
from zoo.cli.language import tr
from zoo.cli.notes import alert, note
from zoo.cli.options import Duration, Share, Size
from zoo.cli.progress.line import line
from zoo.cli.tables import echo_json, echo_table
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.learn.recommendation import Demands, Recommendation, Suggested


@click.command()
@click.argument("models", type=MODEL, nargs=-1)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Pictures to measure on: a file or a folder; may be repeated. Of many, 5 spread over them are taken.",
)
@click.option("--max-latency", type=Duration(), help="Most time from reading one picture to its mask, such as 50ms.")
@click.option("--max-memory", type=Size(), help="Most memory of the model's process, such as 500M.")
@click.option("--min-miou", type=Share(), help="Least published mIoU, such as 0.7 or 70%.")
@click.option("--dataset", metavar="NAME", help="Only models trained on this dataset.")
@click.option(
    "--licence",
    "--license",
    "licences",
    metavar="NAME",
    multiple=True,
    help="Only models whose weights have this licence: a name or a pattern; may be repeated.",
)
@click.option("--download", is_flag=True, help="Download the models that are not on this machine first.")
@click.option("--again", is_flag=True, help="Measure again what was measured on this machine before.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the models there, by latency and mIoU.",
)
@click.option("--device", type=DEVICE, default="cpu", help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of each model; by default all cores.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def recommend(
    ctx: click.Context,
    models: tuple[str, ...],
    images: tuple[Path, ...],
    max_latency: float | None,
    max_memory: int | None,
    min_miou: float | None,
    dataset: str | None,
    licences: tuple[str, ...],
    download: bool,
    again: bool,
    output: Path | None,
    device: str,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure MODELS, names or patterns, by default all, on one's own pictures, and say which of them to take.

    What was measured is kept. Models whose files are not on this machine are named and not measured.
    """
    from zoo.learn.recommendation import Demands
    from zoo.learn.recommendation import recommend as run
    from zoo.learn.recommendation.front_chart import front_chart
    from zoo.learn.recommendation.offers import offers

    _check(ctx, images, output)
    offered = offers(models, dataset, licences)
    limits = Demands(max_latency, max_memory, min_miou)
    if download:
        _download([one.name for one in offered if one.command.startswith("zoo download")])
        offered = offers(models, dataset, licences)
    at, began = ["", 0, 0], time.monotonic()

    def told() -> str:
        return tr(
            "measuring {model}, {number} of {count}, {seconds:.0f} s",
            model=at[0],
            number=at[1],
            count=at[2],
            seconds=time.monotonic() - began,
        )

    def report(model: str, done: int, count: int) -> None:
        at[:] = [model, done + 1, count]

    with line(told):
        found = run(
            offered,
            [str(path) for path in images],
            limits,
            device=device,
            threads=threads,
            again=again,
            report=report,
        )
    if output is not None:
        write_atomic(output, front_chart(found, limits))
    if as_json:
        echo_json(_document(found, limits))
    else:
        _table(found)
    for path, reason in found.unread:
        alert("{path} is left out: {reason}", path=path, reason=printable(reason))
    if not as_json:
        _absent(found)
    if output is not None:
        note("  saved {path}", path=output)
    if found.nearest:
        alert(found.nearest)
        alert("Ask for less, or bring other models here with: zoo download MODEL")
        ctx.exit(1)


def _check(ctx: click.Context, images: tuple[Path, ...], output: Path | None) -> None:
    """Refuses what cannot be read or written before anything is measured."""
    from zoo.picture.sources.files import check_named

    for path in images:
        check_named(str(path))
    if output is not None:
        if output.suffix.lower() != ".png":
            said = tr("The picture is a PNG file, such as front.png, and not {name!r}.", name=output.name)
            raise click.BadParameter(said, ctx, param_hint="'--output'")
        ensure_folder(output.parent)


def _download(names: list[str]) -> None:
    from zoo.cli.progress.loading import loading
    from zoo.errors import FetchError
    from zoo.store import fetch

    for name in names:
        try:
            with loading("downloading {model}", model=name) as progress:
                fetch(name, progress=progress)
        except FetchError as error:
            # The others may be had; it is named with those that are not here.
            alert("{model} was not downloaded: {reason}", model=name, reason=error.message)


def _table(found: Recommendation) -> None:
    firsts = {name for name, _ in found.firsts.values()}
    rows = [
        [
            row.offer.name,
            "-" if row.offer.miou is None else f"{100 * row.offer.miou:.2f}",
            row.offer.measured_on or row.offer.dataset,
            "-" if row.cost is None else f"{1000 * row.cost.latency:.1f}",
            "-" if row.cost is None else f"{row.cost.memory / 1e6:.0f}",
            _place(row, firsts),
        ]
        for row in found.rows
        if not row.absent
    ]
    echo_table(["MODEL", "mIoU", "DATASET", "MS", "MB", "PLACE"], rows, right=(1, 3, 4))
    for _, reason in found.firsts.values():
        note(reason)
    if len(found.firsts) > 1:
        note("mIoU of different datasets do not compare, so each has a first model; --dataset takes one of them.")
    for row in found.rows:
        if row.misses:
            note("{model}: {reasons:; }.", model=row.offer.name, reasons=[miss.text for miss in row.misses])
    note(
        "Pictures: {count}, each alone, from reading to mask; {device}, {threads} threads.",
        count=found.pictures,
        device=found.device,
        threads=found.threads,
    )
    if kept := sum(row.kept for row in found.rows):
        note("Measured earlier: {count}; --again measures anew.", count=kept)


def _place(row: Suggested, firsts: set[str]) -> str:
    if row.misses:
        return tr("misses a limit")
    if row.offer.name in firsts:
        return tr("first")
    return tr("on the front") if row.front else tr("below {other}", other=row.below)


def _absent(found: Recommendation) -> None:
    """Names what was not measured: those that one command would bring together."""
    alike: dict[tuple[str, str], list[Suggested]] = {}
    for row in found.rows:
        if row.absent:
            verb = " ".join(row.offer.command.split()[:2])
            alike.setdefault((row.absent, verb if verb == "zoo download" else row.hint), []).append(row)
    for (reason, way), rows in alike.items():
        names = [row.offer.name for row in rows]
        note("Not measured, {reason}: {models:, }", reason=reason, models=names)
        if way == "zoo download":
            words = [row.offer.command.removeprefix("zoo download ") for row in rows]
            note("  Run: zoo download {models: }", models=words)
        else:
            note("  {hint}", hint=way)


def _document(found: Recommendation, limits: Demands) -> dict[str, Any]:
    firsts = {name for name, _ in found.firsts.values()}
    return {
        "pictures": found.pictures,
        "device": found.device,
        "threads": found.threads,
        "limits": {"latency_seconds": limits.latency, "memory": limits.memory, "mIoU": limits.miou},
        "first": [
            {"measured_on": measured_on, "model": name, "why": str(reason)}
            for measured_on, (name, reason) in found.firsts.items()
        ],
        "nearest": found.nearest,
        "unread": [{"path": path, "error": error} for path, error in found.unread],
        "models": [
            {
                "model": row.offer.name,
                "dataset": row.offer.dataset,
                "measured_on": row.offer.measured_on,
                "mIoU": row.offer.miou,
                "licence": row.offer.licence,
                "latency_seconds": None if row.cost is None else row.cost.latency,
                "opening_seconds": None if row.cost is None else row.cost.opening,
                "memory": None if row.cost is None else row.cost.memory,
                "engine": None if row.cost is None else row.cost.engine,
                "precision": None if row.cost is None else row.cost.precision,
                "kept": row.kept,
                "first": row.offer.name in firsts,
                "front": row.front,
                "below": row.below or None,
                "misses": [str(miss.text) for miss in row.misses],
                "not_measured": row.absent or None,
                "hint": row.hint or None,
            }
            for row in found.rows
        ],
    }

"""`zoo optimize`: which engine is the fastest for a model here, with the right masks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.commands.completion import DEVICE, MODEL
from zoo.cli.language import tr
from zoo.cli.notes import alert, note
from zoo.cli.options import Word, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_table, json_text
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.contract.engine import Precision
    from zoo.learn.optimize import Comparison, Row


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Pictures to measure on: a file or a folder, of which the first 20 are taken; by default a made-up one. "
    "int8 is calibrated on up to 300 that follow.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Labelled pictures, as of zoo evaluate: tells the mIoU of each engine too.",
)
@click.option(
    "--precision",
    "precisions",
    type=Word(["float32", "bf16", "int8"]),
    multiple=True,
    help="Precision to try; may be given several times. Each has a choice of its own. By default float32.",
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    help="Smallest share of pixels whose class stays the same; by default 0.9999 in float32, else 0.995.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write, new or empty: the model with what int8 needs. By default it is kept on this machine.",
)
@click.option("--device", type=DEVICE, default="cpu", help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of each engine; by default all cores.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def optimize(
    ctx: click.Context,
    model: str,
    images: Path | None,
    data: Path | None,
    precisions: tuple[Precision, ...],
    min_agreement: float | None,
    output: Path | None,
    device: str,
    threads: int | None,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Measure every engine that runs MODEL, and keep the fastest whose masks are right.

    From then on it is the one that --backend auto takes, with the same --precision.
    """
    from zoo.learn.data import read_list
    from zoo.learn.optimize import optimize as run
    from zoo.store.find import find_bundle

    samples = () if data is None else read_list(data)
    with loading("measuring engines for {model}", model=model) as progress:
        found = run(
            find_bundle(model, offline=offline, progress=progress),
            None if images is None else str(images),
            device=device,
            precisions=precisions or ("float32",),
            least=min_agreement,
            threads=threads,
            samples=samples,
            output=output,
        )
    if as_json:
        click.echo(json_text(asdict(found)))
    else:
        _table(found)
    if found.unkept:
        alert("The choice could not be kept: {reason}", reason=printable(found.unkept))
    if found.unkept or not found.chosen:
        ctx.exit(1)


def _table(found: Comparison) -> None:
    from zoo.learn.optimize import MOST

    heads = ["ENGINE", "MS", "PICTURES/S", "MB", "AGREEMENT", *(["mIoU"] if _labelled(found) else []), "ACCEPTED"]
    echo_table(heads, [_cells(row, found) for row in found.rows])
    for row in found.rows:
        if row.refused:
            alert("{engine} is not used: {reason}.", engine=_name(row), reason=printable(row.refused))
    if found.reference:
        note("Compared with {reference}; pictures: {count}.", reference=found.reference, count=found.pictures)
    if found.int8 is not None:
        note(
            "int8: {layers} of {of} layers, calibrated on {count} pictures in {seconds:.0f} s by {libraries:, }",
            layers=found.int8.layers,
            of=found.int8.of,
            count=found.int8.pictures,
            seconds=found.int8.seconds,
            libraries=found.int8.libraries,
        )
        if not found.int8.apart:
            note(
                "int8 was measured on the pictures it was calibrated on; {count} or more, of the kind that will be "
                "run, tell more.",
                count=2 * MOST,
            )
        if found.int8.kept:
            note("int8 is kept in {path}", path=found.int8.kept)
    for precision, engine in found.chosen.items() if not found.unkept else ():
        note(
            "With --precision {precision}, {engine} is what --backend auto takes now.",
            precision=precision,
            engine=engine,
        )


def _labelled(found: Comparison) -> bool:
    return any(row.miou is not None for row in found.rows)


def _cells(row: Row, found: Comparison) -> list[str]:
    labelled = [] if not _labelled(found) else ["-" if row.miou is None else f"{100 * row.miou:.2f}"]
    if not row.milliseconds:
        return [_name(row), *["-"] * (4 + len(labelled)), tr("no")]
    return [
        _name(row),
        f"{row.milliseconds:.1f}",
        f"{row.rate:.2f}",
        f"{row.memory / 1e6:.0f}",
        f"{100 * row.agreement:.3f}%",
        *labelled,
        tr("no") if row.refused else tr("chosen") if found.chosen[row.precision] == row.engine else tr("yes"),
    ]


def _name(row: Row) -> str:
    return row.engine if row.precision == "float32" else f"{row.engine} {row.precision}"

"""`zoo compare`: models side by side on the same pictures."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.base.files import ensure_folder, write_atomic
from zoo.cli.commands.completion import DEVICE, MODEL
from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, note
from zoo.cli.options import offline_option
from zoo.cli.progress.line import line
from zoo.cli.tables import echo_table
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.learn.comparison import Compared


@click.command()
@click.argument("models", type=MODEL, nargs=-1)
@click.option(
    "--images", type=click.Path(path_type=Path), multiple=True, help="Pictures: a file or a folder; may be repeated."
)
@click.option("--data", type=click.Path(path_type=Path), help="Labelled pictures, as of zoo evaluate: tells mIoU too.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one page there, with a slider between two models and a map of where they differ.",
)
@click.option("--pictures", type=click.IntRange(1, 1000), default=24, help="Most pictures on the page.")
@click.option("--device", type=DEVICE, default="cpu", help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of each model; by default all cores.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def compare(
    ctx: click.Context,
    models: tuple[str, ...],
    images: tuple[Path, ...],
    data: Path | None,
    output: Path | None,
    pictures: int,
    device: str,
    threads: int | None,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Run MODELS on the same pictures, and show where their masks differ and what each costs.

    A model is a name, an export folder or a run; behind @ its engine, and behind : its precision, such as
    starter@openvino:bf16.
    """
    from zoo.learn.comparison import compare_models, read_contender
    from zoo.learn.comparison.compare_page import compare_document, compare_page
    from zoo.learn.data import read_list
    from zoo.picture.sources.files import check_named

    if bool(images) == (data is not None):
        raise click.UsageError(tr("Give one of both: --images, or --data with a list file."), ctx)
    contenders = [read_contender(text) for text in models]
    for path in images:
        # Before a model is opened and run for nothing.
        check_named(str(path))
    if output is not None:
        ensure_folder(output.parent)
    at, began = [0, 0], time.monotonic()

    def told() -> str:
        return tr(
            "{title}: {count} pictures, {seconds:.0f} s",
            title=contenders[at[0]].title,
            count=at[1],
            seconds=time.monotonic() - began,
        )

    def report(number: int, done: int) -> None:
        at[:] = [number, done]

    with tempfile.TemporaryDirectory() as folder, line(told):
        found = compare_models(
            contenders,
            Path(folder),
            sources=[str(path) for path in images],
            samples=None if data is None else read_list(data),
            load_options={"device": device, "threads": threads, "offline": offline},
            report=report,
        )
        if output is not None:
            title = Message("{models:, } side by side", models=[each.title for each in contenders])
            page = compare_page(found, title, lambda text: str(translate(text)), pictures)
            write_atomic(output, page.encode(errors="backslashreplace"))
    if as_json:
        click.echo(compare_document(found))
    else:
        _table(found)
    for side in found.sides:
        if side.failures:
            alert(
                "{title}: {count} pictures failed, such as {uri}: {reason}",
                title=side.contender.title,
                count=len(side.failures),
                uri=printable(side.failures[0][0]),
                reason=printable(side.failures[0][1]),
            )
    if output is not None:
        note("  saved {path}", path=output)
    if any(side.failures for side in found.sides):
        ctx.exit(3)


def _table(found: Compared) -> None:
    labelled = any(side.miou is not None for side in found.sides)
    heads = ["MODEL", "ENGINE", "PICTURES/S", "MB", *(["mIoU"] if labelled else []), Message("AGREES WITH THE FIRST")]
    rows = [
        [
            printable(side.contender.title),
            printable(f"{side.engine}, {side.precision}"),
            f"{side.rate:.2f}",
            f"{side.memory / 1e6:.0f}",
            *([_percent(side.miou)] if labelled else []),
            _percent(found.agreements[0, number]) if number else "-",
        ]
        for number, side in enumerate(found.sides)
    ]
    echo_table([str(translate(head)) for head in heads], rows, right=range(2, len(heads)))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"

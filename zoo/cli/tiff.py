"""`zoo tiff`: a picture too large for memory, from TIFF to label TIFF."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.completion import DEVICE, LABELS, MODEL
from zoo.cli.notes import quiet
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress import download_progress

if TYPE_CHECKING:
    from zoo.predict.tiff import Progress


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--model", type=MODEL, required=True, help="Name of a model, an export folder, or FILE.zoo#MODEL.")
@click.option("--window", type=click.IntRange(1), nargs=2, metavar="HEIGHT WIDTH", help="By default the published one.")
@click.option("--stride", type=click.IntRange(1), nargs=2, metavar="DOWN RIGHT", help="Steps of the window.")
@click.option("--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Windows that run together.")
@click.option("--min-score", type=click.FloatRange(0, 1), help="Pixels below this probability are unknown.")
@click.option("--labels", type=LABELS, help="Other classes: a YAML file, or the name of a built-in mapping.")
@click.option("--device", type=DEVICE, default="cpu", show_default=True, help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1), help="Threads of a CPU engine; by default all available cores.")
@lock_options
@offline_option
def tiff(
    source: Path,
    target: Path,
    model: str,
    window: tuple[int, int] | None,
    stride: tuple[int, int] | None,
    batch_size: int,
    min_score: float | None,
    labels: str | None,
    device: str,
    threads: int | None,
    lock: Path | None,
    offline: bool | None,
) -> None:
    """Segment the TIFF SOURCE in windows into the label TIFF TARGET, whatever its size."""
    from zoo.predict.load import load
    from zoo.predict.tiff import check_name

    check_name(target)
    with download_progress() as progress:
        loaded = load(model, device=device, threads=threads, offline=offline, lock=lock, progress=progress)
    with loaded, _bar() as show:
        path = loaded.predict_tiff(
            source,
            target,
            window=window,
            stride=stride,
            batch_size=batch_size,
            min_score=min_score,
            labels=labels,
            progress=show,
        )
    click.echo(path)


@contextmanager
def _bar() -> Generator[Callable[[Progress], None], None, None]:
    """Yields a callback that shows the finished windows and the time left on a terminal."""
    if quiet() or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("windows, {task.fields[left]:.0f} s left"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, left=0.0)

        def show(progress: Progress) -> None:
            bars.update(task, completed=progress.done_windows, total=progress.windows, left=progress.left)

        yield show

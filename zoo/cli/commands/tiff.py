"""`zoo tiff`: a picture too large for memory, from TIFF to label TIFF."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.notes import quiet
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress import download_progress
from zoo.cli.run_options import given, run_options

if TYPE_CHECKING:
    from zoo.predict.tiff import Progress


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--model", type=MODEL, required=True, help="Name of a model, an export folder, or FILE.zoo#MODEL.")
@run_options("tiff")
@lock_options
@offline_option
@click.pass_context
def tiff(
    ctx: click.Context, source: Path, target: Path, model: str, lock: Path | None, offline: bool | None, **_: Any
) -> None:
    """Segment the TIFF SOURCE in windows into the label TIFF TARGET, whatever its size."""
    from zoo.predict.load import load
    from zoo.predict.pipeline import PipelineConfig
    from zoo.predict.tiff import check_name

    check_name(target)
    config = PipelineConfig(model).override(**given(ctx))
    with download_progress() as progress:
        loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    with loaded, _bar() as show:
        path = loaded.predict_tiff(source, target, progress=show, **config.predict_arguments())
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

"""`zoo tiff`: a picture too large for memory, from TIFF to label TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.figures import bar, left
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
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
    with loading("loading {model}", model=model) as progress:
        loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    windows = _Windows()
    with loaded, line(windows.text):
        path = loaded.predict_tiff(source, target, progress=windows, **config.predict_arguments())
    click.echo(path)


class _Windows:
    """How far a picture is, as a text."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Takes how far it is now."""
        self._progress = progress

    def text(self) -> str:
        """Returns the line to show."""
        now = self._progress
        if now is None:
            return tr("segmenting")
        done = tr("{done}/{windows} windows", done=now.done_windows, windows=now.windows)
        return f"{bar(now.done_windows, now.windows)}  {done}  {left(now.left)}"

"""`zoo tiff`: a picture too large for memory, from TIFF to label TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.cluster import cluster_option, tiff_on_cluster
from zoo.cli.commands.completion import MODEL
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
from zoo.cli.progress.windows_done import Windows
from zoo.cli.run_options import given, run_options


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--model", type=MODEL, required=True, help="Name of a model, an export folder, or FILE.zoo#MODEL.")
@run_options("tiff")
@cluster_option
@lock_options
@offline_option
@click.pass_context
def tiff(
    ctx: click.Context,
    source: Path,
    target: Path,
    model: str,
    cluster: str | None,
    lock: Path | None,
    offline: bool | None,
    **_: Any,
) -> None:
    """Segment the TIFF SOURCE in windows into the label TIFF TARGET, whatever its size."""
    from zoo.predict.load import load
    from zoo.predict.pipeline import PipelineConfig
    from zoo.predict.tiff import check_name

    check_name(target)
    if cluster is not None:
        click.echo(tiff_on_cluster(source, target, model, given(ctx), cluster, offline, lock))
        return
    config = PipelineConfig(model).override(**given(ctx))
    with loading("loading {model}", model=model) as progress:
        loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    windows = Windows()
    with loaded, line(windows.text):
        path = loaded.predict_tiff(source, target, progress=windows, **config.predict_arguments())
    click.echo(path)

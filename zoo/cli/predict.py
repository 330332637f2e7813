"""`zoo predict`: segment pictures from the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress import download_progress

if TYPE_CHECKING:
    from zoo.results import Predictions, Result

_KINDS = ("overlay", "color", "mask", "json")


def _kinds(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in value.split(",") if part.strip())
    if not kinds or any(kind not in _KINDS for kind in kinds):
        raise click.BadParameter(f"{value!r} is not a comma-separated choice of {', '.join(_KINDS)}.", ctx, parameter)
    return kinds


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "--model", default="starter", show_default=True, help="Name of a model, an export folder, or FILE.zoo#MODEL."
)
@click.option("--save-path", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option(
    "--save",
    callback=_kinds,
    default="overlay,mask,json",
    show_default=True,
    help=f"What to save: {', '.join(_KINDS)}.",
)
@click.option("--device", default="cpu", show_default=True, help="Such as cpu or gpu:0.")
@click.option("--backend", default="auto", show_default=True, help="Inference engine.")
@click.option("--threads", type=click.IntRange(1), help="Threads of a CPU engine; by default all available cores.")
@click.option(
    "--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Pictures of one size together."
)
@click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    show_default=True,
    help="Stop at the first bad input, or go on and exit with 3.",
)
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a picture, without the mask.")
@click.pass_context
def predict(
    ctx: click.Context,
    inputs: tuple[str, ...],
    model: str,
    save_path: Path | None,
    save: tuple[str, ...],
    device: str,
    backend: str,
    threads: int | None,
    batch_size: int,
    on_error: Literal["raise", "skip"],
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Segment INPUTS: pictures and folders of pictures."""
    from zoo.files import ensure_folder
    from zoo.model import load

    if save_path is not None:
        # Before the model is loaded and any work is done for nothing.
        ensure_folder(save_path)
    with download_progress() as progress:
        loaded = load(
            model, device=device, backend=backend, threads=threads, offline=offline, lock=lock, progress=progress
        )
    with loaded:
        predictions = loaded.predict(list(inputs), batch_size, on_error)
        done = 0
        for result in predictions:
            done += 1
            paths = _save(result, save_path, save) if save_path is not None else []
            if as_json:
                click.echo(
                    json.dumps(
                        {**result.to_dict(mask=False), "saved": [str(path) for path in paths]}, ensure_ascii=False
                    )
                )
            else:
                _show(result, paths)
    _summary(predictions, done, save_path)
    if predictions.failures:
        ctx.exit(3)


def _save(result: Result, folder: Path, kinds: Iterable[str]) -> list[Path]:
    paths: list[Path] = []
    for kind in kinds:
        if kind == "json":
            paths.append(result.save_to_json(folder))
        elif kind in ("overlay", "color", "mask"):
            paths.append(result.save_to_img(folder, kind=kind))
    return paths


def _show(result: Result, paths: Iterable[Path]) -> None:
    height, width = result.mask.shape
    times = "  ".join(f"{stage} {1000 * seconds:.0f} ms" for stage, seconds in result.seconds.items())
    click.echo(f"{_shown(result.uri)}  {height}x{width}  {result.model} on {result.device}")
    shares = result.shares()
    column = max(len(name) for name in shares)
    for name, share in shares.items():
        click.echo(f"  {name:<{column}}  {share:7.2%}")
    click.echo(f"  {times}  ({result.engine})", err=True)
    for path in paths:
        click.echo(f"  saved {_shown(path)}", err=True)


def _summary(predictions: Predictions, done: int, folder: Path | None) -> None:
    for failure in predictions.failures:
        click.echo(failure.error.message, err=True)
    if predictions.failures:
        click.echo(f"{done} segmented, {len(predictions.failures)} failed.", err=True)
    if folder is None and done:
        click.echo("Nothing was saved. Add --save-path FOLDER to keep pictures and masks.", err=True)


def _shown(path: str | Path) -> str:
    """Shortens a path below the current folder."""
    from zoo.text import printable

    near = os.path.relpath(path)
    return printable(path if near.startswith("..") else near)

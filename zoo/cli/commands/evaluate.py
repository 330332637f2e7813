"""`zoo evaluate`: mIoU of a model on a list of labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.notes import note
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress import download_progress
from zoo.cli.run_options import given, run_options
from zoo.cli.tables import json_text
from zoo.contract.labels.conversions import CONVERSIONS
from zoo.message import printable


@click.command()
@click.argument("model", type=MODEL)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="List file: `image mask` on every line.")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the paths in it; by default its own.")
@click.option("--ignore-index", default=255, show_default=True, help="Mask value of pixels that do not count.")
@click.option("--map-truth", is_flag=True, help="The masks hold the model's own classes; bring them to --labels too.")
@click.option(
    "--truth-labels",
    type=click.Choice(list(CONVERSIONS)),
    help="Built-in mapping of the masks alone, such as cityscapes-trainids for *_labelIds.png; void does not count.",
)
@run_options("evaluate")
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    model: str,
    data: Path,
    root: Path | None,
    ignore_index: int,
    map_truth: bool,
    truth_labels: str | None,
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Measure the mIoU of MODEL, a name or an export folder, on labelled pictures, in percent."""
    from zoo.learn.data import read_list
    from zoo.learn.evaluation import evaluate as run
    from zoo.predict.load import load
    from zoo.predict.pipeline import PipelineConfig
    from zoo.results.mapping import read_mapping

    config = PipelineConfig(model).override(**given(ctx))
    samples = read_list(data, root)
    with download_progress() as progress:
        loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    with loaded:
        options = config.predict_arguments()
        labels = options.pop("labels", None)
        mapping = None if labels is None else read_mapping(labels, loaded.bundle.labels)
        names = loaded.labels if mapping is None else mapping.labels.names
        confusion = run(
            loaded,
            samples,
            ignore_index,
            mapping,
            map_truth,
            None if truth_labels is None else CONVERSIONS[truth_labels].mapping,
            **options,
        )
        report: dict[str, Any] = {
            "model": loaded.name,
            "data": str(data),
            "pictures": len(samples),
            "device": loaded.device,
            "engine": loaded.engine,
            "mIoU": _fraction(confusion.miou),
            "accuracy": _fraction(confusion.accuracy),
            "IoU": [{"class": name, "IoU": _fraction(iou)} for name, iou in zip(names, confusion.iou, strict=True)],
        }
    if as_json:
        click.echo(json_text(report))
        return
    rows = [(printable(entry["class"]), entry["IoU"]) for entry in report["IoU"]]
    width = max(len(name) for name in ("accuracy", *(name for name, _ in rows)))
    for name, iou in rows:
        click.echo(f"{name:<{width}}  {_shown(iou)}")
    click.echo(f"{'mIoU':<{width}}  {_shown(report['mIoU'])}")
    click.echo(f"{'accuracy':<{width}}  {_shown(report['accuracy'])}")
    note("{count} pictures of {data}, {engine}", count=len(samples), data=data, engine=report["engine"])


def _fraction(value: float) -> float | None:
    # JSON has no NaN; a class that never occurs has no IoU.
    return None if value != value else round(float(value), 6)


def _shown(value: float | None) -> str:
    return "     -" if value is None else f"{100 * value:6.2f}"

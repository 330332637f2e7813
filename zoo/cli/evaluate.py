"""`zoo evaluate`: mIoU of a model on a list of labelled pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from zoo.cli.completion import DEVICE, LABELS, MODEL
from zoo.cli.notes import note
from zoo.cli.options import Scales, lock_options, offline_option
from zoo.cli.progress import download_progress
from zoo.contract.labels.conversions import CONVERSIONS


@click.command()
@click.argument("model", type=MODEL)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="List file: `image mask` on every line.")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the paths in it; by default its own.")
@click.option("--ignore-index", default=255, show_default=True, help="Mask value of pixels that do not count.")
@click.option("--device", type=DEVICE, default="cpu", show_default=True, help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1), help="Threads of a CPU engine; by default all available cores.")
@click.option("--labels", type=LABELS, help="Other classes to measure: a YAML file, or the name of a built-in mapping.")
@click.option("--map-truth", is_flag=True, help="The masks hold the model's own classes; bring them to --labels too.")
@click.option(
    "--truth-labels",
    type=click.Choice(list(CONVERSIONS)),
    help="Built-in mapping of the masks alone, such as cityscapes-trainids for *_labelIds.png; void does not count.",
)
@click.option(
    "--mode",
    type=click.Choice(["auto", "whole", "slide"]),
    default="auto",
    show_default=True,
    help="Sliding windows or whole pictures.",
)
@click.option("--window", type=click.IntRange(1), nargs=2, metavar="HEIGHT WIDTH", help="Size of a sliding window.")
@click.option("--stride", type=click.IntRange(1), nargs=2, metavar="DOWN RIGHT", help="Steps of the window.")
@click.option("--flip", is_flag=True, help="Average with the mirrored picture.")
@click.option("--scales", type=Scales(), default=(1.0,), help="Average over sizes, such as 0.75,1,1.25.  [default: 1]")
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    model: str,
    data: Path,
    root: Path | None,
    ignore_index: int,
    device: str,
    threads: int | None,
    labels: str | None,
    map_truth: bool,
    truth_labels: str | None,
    mode: str,
    window: tuple[int, int] | None,
    stride: tuple[int, int] | None,
    flip: bool,
    scales: tuple[float, ...],
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Measure the mIoU of MODEL, a name or an export folder, on labelled pictures."""
    from zoo.learn.data import read_list
    from zoo.learn.evaluation import evaluate as run
    from zoo.predict.load import load
    from zoo.results.mapping import read_mapping

    samples = read_list(data, root)
    with download_progress() as progress:
        loaded = load(model, device=device, threads=threads, offline=offline, lock=lock, progress=progress)
    with loaded:
        mapping = None if labels is None else read_mapping(labels, loaded.bundle.labels)
        names = loaded.labels if mapping is None else mapping.labels.names
        confusion = run(
            loaded,
            samples,
            ignore_index,
            mapping,
            map_truth,
            None if truth_labels is None else CONVERSIONS[truth_labels].mapping,
            mode=mode,
            window=window,
            stride=stride,
            flip=flip,
            scales=scales,
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
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    width = max(len(name) for name in ("accuracy", *(entry["class"] for entry in report["IoU"])))
    for entry in report["IoU"]:
        click.echo(f"{entry['class']:<{width}}  {_shown(entry['IoU'])}")
    click.echo(f"{'mIoU':<{width}}  {_shown(report['mIoU'])}")
    click.echo(f"{'accuracy':<{width}}  {_shown(report['accuracy'])}")
    note("{count} pictures of {data}, {engine}", count=len(samples), data=data, engine=report["engine"])


def _fraction(value: float) -> float | None:
    # JSON has no NaN; a class that never occurs has no IoU.
    return None if value != value else round(float(value), 6)


def _shown(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.4f}"

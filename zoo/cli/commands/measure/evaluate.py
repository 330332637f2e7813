"""`zoo evaluate`: mIoU of a model on a list of labelled pictures."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.cells import cells, padded
from zoo.cli.commands.completion import MODEL, TRUTH
from zoo.cli.language import tr
from zoo.cli.notes import alert, alert_interrupted, note
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
from zoo.cli.progress.segmenting import pictures_text
from zoo.cli.run_options import given, run_options
from zoo.cli.tables import json_text
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.learn.data import TruthLabels
    from zoo.learn.evaluation import Evaluation
    from zoo.predict.model import Model

_VALUE = re.compile(r"(\d+)=(.+)", re.DOTALL)


def _truth(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> TruthLabels | None:
    """Returns what mask values mean: a name or a file, or what the words VALUE=CLASS say."""
    values = [_VALUE.fullmatch(word) for word in given]
    if len(given) == 1 and values[0] is None:
        return given[0]
    classes: dict[str, list[int]] = {}
    for word, match in zip(given, values, strict=True):
        if match is None:
            said = tr("{value!r} is not VALUE=CLASS; a mapping or a file stands alone.", value=word)
            raise click.BadParameter(said, ctx, parameter)
        classes.setdefault(match[2], []).append(int(match[1]))
    return {"labels": classes} if classes else None


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="List file, `image mask` on every line; or a folder with images/ and masks/.",
)
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the paths in it; by default its own.")
@click.option(
    "--ignore-index",
    type=click.IntRange(0, 65535),
    help="Mask value of pixels that do not count; by default 255, where it is no class.",
)
@click.option("--map-truth", is_flag=True, help="The masks hold the model's own classes; bring them to --labels too.")
@click.option(
    "--truth-labels",
    type=TRUTH,
    multiple=True,
    callback=_truth,
    help="What mask values mean: VALUE=CLASS, once for each; a YAML file; from-one where they count classes from 1; or "
    "a built-in mapping, such as cityscapes-trainids for *_labelIds.png. Other values do not count.",
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
    ignore_index: int | None,
    map_truth: bool,
    truth_labels: TruthLabels | None,
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
    samples = read_list(data, root, missing_ok=config.on_error == "skip")
    with loading("loading {model}", model=model) as progress:
        loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    with loaded:
        options = config.predict_arguments()
        labels = options.pop("labels", None)
        mapping = None if labels is None else read_mapping(labels, loaded.bundle.labels)
        done, began = [0], time.monotonic()
        try:
            with line(lambda: pictures_text(done[0], len(samples), done[0], began)):
                report = partial(done.__setitem__, 0)
                found = run(loaded, samples, ignore_index, mapping, map_truth, truth_labels, report, **options)
        except KeyboardInterrupt as end:
            ctx.exit(alert_interrupted(end, len(samples) - done[0]))
        figures = _figures(found, loaded, data, len(samples))
    if as_json:
        click.echo(json_text(figures))
    else:
        _table(figures)
    _tell(found, figures)
    if found.failures:
        ctx.exit(3)


def _figures(found: Evaluation, model: Model, data: Path, count: int) -> dict[str, Any]:
    confusion, not_counted = found.confusion, found.not_counted
    return {
        "model": model.name,
        "data": str(data),
        "pictures": count - len(found.failures),
        "device": model.device,
        "engine": model.engine,
        "precision": model.precision,
        "why": model.why,
        "mIoU": _fraction(confusion.miou),
        "accuracy": _fraction(confusion.accuracy),
        "IoU": [
            {"class": name, "IoU": _fraction(iou)} for name, iou in zip(found.classes.names, confusion.iou, strict=True)
        ],
        "not_counted": [{"value": value, "share": _fraction(share)} for value, share in not_counted.items()],
        "never_true": list(found.never_true),
        "notes": [printable(said) for said in found.notes],
        "failures": [
            {"name": failure.name, "source": failure.uri, "error": failure.error.message} for failure in found.failures
        ],
    }


def _table(figures: dict[str, Any]) -> None:
    rows = [(printable(entry["class"]), entry["IoU"]) for entry in figures["IoU"]]
    width = max(cells(name) for name in ("accuracy", *(name for name, _ in rows)))
    for name, iou in rows:
        click.echo(f"{padded(name, width)}  {_shown(iou)}")
    click.echo(f"{'mIoU':<{width}}  {_shown(figures['mIoU'])}")
    click.echo(f"{'accuracy':<{width}}  {_shown(figures['accuracy'])}")


def _tell(found: Evaluation, figures: dict[str, Any]) -> None:
    for failure in found.failures:
        alert(printable(failure.error.message))
    for said in found.notes:
        note(said)
    note(
        "{count} pictures of {data}, {engine}",
        count=figures["pictures"],
        data=figures["data"],
        engine=figures["engine"],
    )
    if found.failures:
        alert("Samples that could not be used and do not count: {count}.", count=len(found.failures))


def _fraction(value: float) -> float | None:
    # JSON has no NaN; a class that never occurs has no IoU.
    return None if value != value else round(float(value), 6)


def _shown(value: float | None) -> str:
    return "     -" if value is None else f"{100 * value:6.2f}"

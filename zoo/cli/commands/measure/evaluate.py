"""`zoo evaluate`: how well a model does on labelled pictures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.base.files import ensure_folder, write_atomic
from zoo.cli.cells import cells, padded
from zoo.cli.cluster import cluster_option, evaluate_on_cluster
from zoo.cli.commands.completion import MODEL, TRUTH
from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, alert_interrupted, note
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
from zoo.cli.progress.segmenting import pictures_text
from zoo.cli.run_options import given, run_options
from zoo.cli.tables import echo_table, json_text
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.contract.labels import LabelSet
    from zoo.distributed.evaluating import RanOn
    from zoo.learn.data import Sample, TruthLabels
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
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice(("val", "test", "train", "all")),
    help="Part of the dataset DIR; by default val.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="In place of DIR a list file, `image mask` on every line; or a folder with images/ and masks/.",
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
@click.option("--boundary", is_flag=True, help="Measure boundary IoU too: of the pixels close to contours.")
@click.option("--calibration", is_flag=True, help="Measure too how far the scores can be believed.")
@click.option(
    "--per-picture",
    "table_file",
    metavar="FILE.csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write mIoU and accuracy of every picture there.",
)
@click.option(
    "--report",
    "page_file",
    metavar="FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one HTML page: figures, confusion matrix, the ten worst pictures.",
)
@run_options("evaluate")
@cluster_option
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which has all figures.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    model: str,
    folder: Path | None,
    split: str | None,
    data: Path | None,
    root: Path | None,
    ignore_index: int | None,
    map_truth: bool,
    truth_labels: TruthLabels | None,
    boundary: bool,
    calibration: bool,
    table_file: Path | None,
    page_file: Path | None,
    cluster: str | None,
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Measure how well MODEL, a name, an export folder or a run, does on labelled pictures, in percent.

    DIR is a dataset folder: images/, annotations/ or masks/, val.txt and labels.txt, or only the two folders.
    """
    from zoo.learn.evaluation import evaluate as run
    from zoo.learn.evaluation.evaluation_page import WorstPictures, evaluation_page
    from zoo.learn.evaluation.plain_figures import picture_table
    from zoo.predict.load import load
    from zoo.predict.pipeline import PipelineConfig
    from zoo.results.mapping import read_mapping

    _check_words(ctx)
    config = PipelineConfig(model).override(**given(ctx))
    samples, truth_of = _samples(folder, split or "val", data, root, config.on_error == "skip")
    files = [file for file in (table_file, page_file) if file is not None]
    for file in files:
        ensure_folder(file.parent)
    worst = None if page_file is None else WorstPictures()
    if cluster is not None:
        counted = {"ignore_index": ignore_index, "boundary": boundary, "calibration": calibration}
        truth = truth_of if truth_labels is None else truth_labels
        found, ran_on = evaluate_on_cluster(config, samples, truth, cluster, offline, lock, map_truth, **counted)
        figures = _figures(found, ran_on, folder or data, len(samples))
    else:
        with loading("loading {model}", model=model) as progress:
            loaded = load(model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
        with loaded:
            options = config.predict_arguments()
            labels = options.pop("labels", None)
            mapping = None if labels is None else read_mapping(labels, loaded.bundle.labels)
            if truth_labels is None:
                truth_labels = truth_of(loaded.bundle.labels if mapping is None or map_truth else mapping.labels)
            done, began = [0], time.monotonic()
            try:
                with line(lambda: pictures_text(done[0], len(samples), done[0], began)):
                    found = run(
                        loaded,
                        samples,
                        ignore_index,
                        mapping,
                        map_truth,
                        truth_labels,
                        partial(done.__setitem__, 0),
                        boundary,
                        calibration,
                        None if worst is None else worst.watch,
                        **options,
                    )
            except KeyboardInterrupt as end:
                ctx.exit(alert_interrupted(end, len(samples) - done[0]))
            figures = _figures(found, loaded, folder or data, len(samples))
    if table_file is not None:
        write_atomic(table_file, picture_table(found))
    if page_file is not None and worst is not None:
        title = Message("Evaluation of {model}", model=figures["model"])
        page = evaluation_page(found, worst, title, [_measured(figures)], lambda text: str(translate(text)))
        write_atomic(page_file, page.encode(errors="backslashreplace"))
    if as_json:
        click.echo(json_text(figures))
    else:
        _table(figures)
    _tell(found, figures, files)
    if found.failures:
        ctx.exit(3)


def _check_words(ctx: click.Context) -> None:
    """Looks at the options as they are spelt, before anything is read."""
    folder, split, data, root = (ctx.params[name] for name in ("folder", "split", "data", "root"))
    table_file, page_file, cluster = (ctx.params[name] for name in ("table_file", "page_file", "cluster"))
    if (folder is None) == (data is None):
        raise click.UsageError(tr("Give one of both: a dataset folder, or --data with a list file."), ctx)
    if folder is None and split is not None:
        raise click.UsageError(tr("--split is a part of a dataset folder; --data has none."), ctx)
    if folder is not None and root is not None:
        raise click.UsageError(
            tr("--root is of the paths in the list file --data; those of a dataset folder are its own."), ctx
        )
    if table_file is not None and table_file == page_file:
        raise click.UsageError(tr("--report and --per-picture name the same file."), ctx)
    if cluster is not None and page_file is not None:
        raise click.UsageError(tr("--report shows pictures, which stay on the machines of a --cluster."), ctx)


def _samples(
    folder: Path | None, split: str, data: Path | None, root: Path | None, missing_ok: bool
) -> tuple[Sequence[Sample], Callable[[LabelSet], TruthLabels | None]]:
    """Returns what is measured on, and what says what the masks hold where the user does not."""
    from zoo.learn.data import read_list
    from zoo.learn.evaluation.dataset_split import read_split

    if folder is not None:
        part = read_split(folder, split, missing_ok)
        return part.samples, part.truth
    assert data is not None
    return read_list(data, root, missing_ok), lambda _: None


def _figures(found: Evaluation, model: Model | RanOn, data: Path | None, count: int) -> dict[str, Any]:
    from zoo.learn.evaluation.plain_figures import plain_figures

    return {
        "model": model.name,
        "data": str(data),
        "pictures": count - len(found.failures),
        "device": model.device,
        "engine": model.engine,
        "precision": model.precision,
        "why": model.why,
        **plain_figures(found),
    }


# Figures of a class: the heading of the column, and the key.
_COLUMNS = (
    ("IoU", "IoU"),
    (Message("ACCURACY"), "accuracy"),
    (Message("PRECISION"), "precision"),
    (Message("DICE"), "Dice"),
    (Message("BOUNDARY IoU"), "boundary_IoU"),
)
_WHOLE = {
    "mIoU": "mIoU",
    "accuracy": Message("accuracy"),
    "mean_accuracy": Message("mean accuracy"),
    "mean_Dice": Message("mean Dice"),
    "frequency_weighted_IoU": Message("frequency-weighted IoU"),
    "boundary_mIoU": Message("boundary mIoU"),
    "calibration_error": Message("calibration error"),
}


def _table(figures: dict[str, Any]) -> None:
    columns = [(title, key) for title, key in _COLUMNS if key in figures["IoU"][0]]
    rows = [(entry["class"], *(_shown(entry[key]) for _, key in columns)) for entry in figures["IoU"]]
    echo_table(("CLASS", *(title for title, _ in columns)), rows, right=range(1, len(columns) + 1))
    click.echo()
    whole = [(translate(said), figures[key]) for key, said in _WHOLE.items() if key in figures]
    width = max(cells(name) for name, _ in whole)
    for name, value in whole:
        click.echo(f"{padded(name, width)}  {_shown(value):>6}")


def _tell(found: Evaluation, figures: dict[str, Any], files: Sequence[Path]) -> None:
    for failure in found.failures:
        alert(printable(failure.error.message))
    for said in found.notes:
        note(said)
    for file in files:
        note("saved {page}", page=file)
    note(_measured(figures))
    if found.failures:
        alert("Samples that could not be used and do not count: {count}.", count=len(found.failures))


def _measured(figures: dict[str, Any]) -> Message:
    return Message(
        "{count} pictures of {data}, {engine}",
        count=figures["pictures"],
        data=figures["data"],
        engine=figures["engine"],
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"

"""`zoo predict`: segment pictures from the command line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from zoo.cli.completion import BACKEND, DEVICE, FORMATS, LABELS, MODEL, PATHS, PIPELINE
from zoo.cli.language import tr
from zoo.cli.notes import alert, note, verbose
from zoo.cli.options import BatchSize, ClassColor, Scales, lock_options, offline_option
from zoo.cli.pipeline import given
from zoo.cli.progress import download_progress
from zoo.cli.report import Tally, Telling, Written, bar
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.picture.sources import Input
    from zoo.predict.pipeline import PipelineConfig
    from zoo.results import Predictions, Result
    from zoo.results.save import Format

#: Parameters of the command that are options of a pipeline, by their names there.
_OPTIONS = {
    "model": "model",
    "device": "device",
    "backend": "backend",
    "threads": "threads",
    "streams": "streams",
    "batch_size": "batch_size",
    "on_error": "on_error",
    "recursive": "recursive",
    "frames": "frames",
    "scores": "scores",
    "min_score": "min_score",
    "labels": "labels",
    "palette": "palette",
    "mode": "mode",
    "window": "window",
    "stride": "stride",
    "flip": "flip",
    "scales": "scales",
    "save_path": "save_path",
    "save": "save_kinds",
}


#: Endings of files that results can be written to; other paths are folders.
_FILES = (".json", ".xml", ".geojson", ".png", ".jpg", ".jpeg")


def _kinds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    from zoo.results import FORMATS

    kinds = tuple(part.strip() for part in value.split(",") if part.strip())
    if not kinds or any(kind not in FORMATS for kind in kinds):
        raise click.BadParameter(
            tr("{value!r} is not a comma-separated choice of {choices:, }.", value=value, choices=list(FORMATS)),
            ctx,
            parameter,
        )
    return kinds


def _colors(
    ctx: click.Context, parameter: click.Parameter, value: tuple[tuple[str, str], ...]
) -> dict[str, str] | None:
    return dict(value) or None


@click.command()
@click.argument("inputs", nargs=-1, type=PATHS)
@click.option("--input", "more", multiple=True, type=PATHS, help="Another way to give an input; may be repeated.")
@click.option(
    "--pipeline", type=PIPELINE, help="semantic_segmentation, or a pipeline file; options given here beat it."
)
@click.option("--model", type=MODEL, help="Name of a model, an export folder, or FILE.zoo#MODEL.  [default: starter]")
@click.option(
    "--save-path", "-o", type=click.Path(path_type=Path), help="Folder for the results, or a file for one form of them."
)
@click.option(
    "--save",
    type=FORMATS,
    callback=_kinds,
    help="What to save, a comma list of overlay, color, side, mask, json, coco, geojson, labelme, cvat, labelstudio.  "
    "[default: overlay,mask,json]",
)
@click.option("--resume", is_flag=True, help="Pass over inputs whose results are in the folder already.")
@click.option("--device", type=DEVICE, help="Such as cpu or gpu:0.  [default: cpu]")
@click.option("--backend", type=BACKEND, help="Inference engine.  [default: auto]")
@click.option("--threads", type=click.IntRange(1), help="Threads of a CPU engine; by default all available cores.")
@click.option(
    "--streams",
    type=click.IntRange(1),
    help="Pictures at the same time when there are many, each with its part of the threads; by default at most 4.",
)
@click.option("--batch-size", type=BatchSize(), help="Pictures of one size together, or auto to measure.  [default: 1]")
@click.option("--on-error", type=click.Choice(["raise", "skip"]), help="Stop at a bad input, or go on and exit with 3.")
@click.option("--recursive/--no-recursive", "-r", default=False, help="Read the folders inside folders too.")
@click.option(
    "--frames",
    type=click.Choice(["first", "all"]),
    help="Of animations and TIFF files; PDF and video files are read whole.",
)
@click.option("--scores/--no-scores", default=False, help="Compute the probability of the winning class.")
@click.option("--min-score", type=click.FloatRange(0, 1), help="Pixels below this probability are unknown.")
@click.option("--labels", type=LABELS, help="Other classes: a YAML file, or the name of a built-in mapping.")
@click.option(
    "--palette",
    type=ClassColor(),
    multiple=True,
    callback=_colors,
    help="Another colour for a class; may be given more than once.",
)
@click.option("--mode", type=click.Choice(["auto", "whole", "slide"]), help="Sliding windows or whole pictures.")
@click.option("--window", type=click.IntRange(1), nargs=2, metavar="HEIGHT WIDTH", help="Size of a sliding window.")
@click.option("--stride", type=click.IntRange(1), nargs=2, metavar="DOWN RIGHT", help="Steps of the window.")
@click.option("--flip/--no-flip", default=False, help="Average with the mirrored picture.")
@click.option("--scales", type=Scales(), help="Average over sizes, such as 0.75,1,1.25.")
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a picture, without the mask.")
@click.pass_context
def predict(
    ctx: click.Context,
    inputs: tuple[str, ...],
    more: tuple[str, ...],
    pipeline: str | None,
    resume: bool,
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Segment INPUTS: pictures, folders, patterns, URLs, PDF and video files."""
    from zoo.predict.pipeline import (
        PipelineConfig,
        load_model,
        read_pipeline,
    )

    sources = [*inputs, *more]
    if not sources:
        raise click.UsageError(tr("Give at least one input."), ctx)
    config = PipelineConfig(model="starter") if pipeline is None else read_pipeline(pipeline)
    config = config.override(**{_OPTIONS[name]: value for name, value in given(ctx, *_OPTIONS).items()})
    for said in config.notes:
        note(printable(said))
    file = _one_file(ctx, config)
    if config.save_path is not None:
        from zoo.base.files import ensure_folder

        # Before the model is loaded and any work is done for nothing.
        ensure_folder(config.save_path if file is None else file.parent)
    if resume and (config.save_path is None or file is not None):
        raise click.UsageError(tr("--resume belongs to --save-path FOLDER: it looks there for results."), ctx)
    if offline:
        _refuse_addresses(sources)
    with download_progress() as progress:
        model = load_model(config, offline=offline, lock=lock, progress=progress)
    passed = _PassedOver(config)
    with model:
        predictions = model.predict(sources, skip=passed if resume else None, **config.predict_arguments())
        telling = Telling(predictions, lambda: passed.count, as_json=as_json, whole=verbose())
        try:
            with bar(partial(_count, sources, config), as_json) as shown:
                telling.shown = shown
                if file is None:
                    _write_each(telling, predictions, config)
                else:
                    _write_one(telling, predictions, file, config.save_kinds[0])
        finally:
            # After Ctrl-C too: what is done is told.
            predictions.close()
            telling.rest()
            _summary(predictions, telling.tally, config.save_path, passed.count)
    if predictions.failures:
        ctx.exit(3)


def _one_file(ctx: click.Context, config: PipelineConfig) -> Path | None:
    """Returns the path of the one file that is to hold all results, if the path is none of a folder."""
    path = config.save_path
    if path is None or path.suffix.lower() not in _FILES or path.is_dir():
        return None
    if len(config.save_kinds) != 1:
        raise click.UsageError(
            tr("{path} names a file, which holds one form. Choose it with --save, or give a folder.", path=path), ctx
        )
    return path


def _write_each(telling: Telling, predictions: Predictions, config: PipelineConfig) -> None:
    """Writes the files of each result in a thread, while the engine is at the next ones."""
    from zoo.base.flow import ahead

    folder, kinds = config.save_path, cast("tuple[Format, ...]", config.save_kinds)
    if folder is None:
        telling.through((result, []) for result in predictions)
        return

    def write(result: Result) -> Written:
        done = result, [result.save(folder, kind) for kind in kinds]
        telling.finished.append(done)
        return done

    with contextlib.closing(ahead(predictions, write)) as written:
        telling.through(written)


def _write_one(telling: Telling, predictions: Predictions, file: Path, kind: str) -> None:
    """Writes all results into one file."""
    from zoo.results.save import save_all

    passing = telling.passing((result, []) for result in predictions)
    for path in save_all((result for result, _ in passing), file, kind, {}):
        note("  saved {path}", path=path)


def _refuse_addresses(sources: list[str]) -> None:
    from zoo.errors import OfflineError

    for source in sources:
        if source.lower().startswith(("http://", "https://")):
            raise OfflineError(
                "{source} is an address, and zoo was told to stay offline.",
                "Download it first and give the file.",
                source=source,
            )


def _count(sources: list[str], config: PipelineConfig) -> Iterator[object]:
    from zoo.picture.sources import (
        SourceOptions,
        origins,
    )

    return origins(sources, SourceOptions(recursive=config.recursive))


class _PassedOver:
    """Whether an input has all its results in a folder; counts those that have."""

    def __init__(self, config: PipelineConfig) -> None:
        self._config = config
        self.count = 0

    def __call__(self, item: Input) -> bool:
        from zoo.results import find_saved

        assert self._config.save_path is not None
        if all(find_saved(self._config.save_path, item.name, item.uri, kind) for kind in self._config.save_kinds):
            self.count += 1
            return True
        return False


def _summary(predictions: Predictions, tally: Tally, folder: Path | None, passed: int) -> None:
    failures = predictions.failures
    for failure in failures:
        alert(printable(failure.error.message))
    if passed:
        note(
            "{passed} passed over: their results are there. Which model and options made them is not looked at.",
            passed=passed,
        )
    if failures:
        alert("{pictures} segmented, {count} failed.", pictures=tally.pictures, count=len(failures))
    elif tally.pictures > 1:
        note("{pictures} segmented, {rate:.1f} a second.", pictures=tally.pictures, rate=tally.rate)
    if tally.pictures > 1:
        note("  {means}", means=tally.means())
    if folder is None and tally.pictures:
        note("Nothing was saved. Add --save-path FOLDER to keep pictures and masks.")

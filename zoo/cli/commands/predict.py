"""`zoo predict`: segment pictures from the command line."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from zoo.cli.cluster import cluster_option, predict_on_cluster
from zoo.cli.commands.completion import MODEL, PATHS, PIPELINE
from zoo.cli.language import tr
from zoo.cli.notes import alert_interrupted, note, verbose
from zoo.cli.options import lock_options, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.progress.segmenting import Count
from zoo.cli.report import Telling, Written, run_line, summary
from zoo.cli.run_options import given, run_options
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.picture.sources import Input
    from zoo.predict.pipeline import PipelineConfig
    from zoo.predict.pipeline.saving import Saving
    from zoo.results import Predictions, Result

# Seconds.
_NAP = 0.5
_STDIN = "-"


@click.command()
@click.argument("inputs", nargs=-1, type=PATHS)
@click.option("--input", "more", multiple=True, type=PATHS, help="Another way to give an input; may be repeated.")
@click.option(
    "--pipeline", type=PIPELINE, help="semantic_segmentation, or a pipeline file; options given here beat it."
)
@click.option(
    "--model",
    type=MODEL,
    help="Name of a model, an export folder, a run, FILE.zoo#MODEL, or http://HOST:PORT.  [default: starter]",
)
@click.option("--resume", is_flag=True, help="Pass over inputs whose results are in the folder already.")
@run_options("predict")
@cluster_option
@lock_options
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a picture, without the mask.")
@click.pass_context
def predict(
    ctx: click.Context,
    inputs: tuple[str, ...],
    more: tuple[str, ...],
    pipeline: str | None,
    model: str | None,
    resume: bool,
    cluster: str | None,
    lock: Path | None,
    offline: bool | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Segment INPUTS: pictures, folders, patterns, URLs, PDF and video files; - is standard input."""
    from zoo.predict.pipeline import PipelineConfig, load_predictor, read_pipeline
    from zoo.predict.pipeline.saving import Saving

    said = [*inputs, *more]
    _check_words(ctx, said)
    sources: list[Any] = [_Stdin() if source == _STDIN else source for source in said]
    options = given(ctx)
    config = PipelineConfig("starter") if pipeline is None else read_pipeline(pipeline, options.get("enable_hpi"))
    config = config.override(model=model, **options)
    for each in config.notes:
        note(printable(each))
    if cluster is not None:
        predict_on_cluster(ctx, config, said, cluster, resume, offline, lock, as_json)
        return
    file = _one_file(ctx, config)
    if config.save_path is not None:
        from zoo.base.files import ensure_folder

        # Before the model is loaded and any work is done for nothing.
        ensure_folder(config.save_path if file is None else file.parent)
    if file is not None:
        _refuse_several(sources, config, file)
    if resume and (config.save_path is None or file is not None):
        raise click.UsageError(tr("--resume belongs to --save-path FOLDER: it looks there for results."), ctx)
    if config.on_error == "raise" and not resume:
        _check_files(said)
    with loading("loading {model}", model=config.model) as progress:
        loaded = load_predictor(config, offline=offline, lock=lock, progress=progress)
    saving = Saving.of(config, sources) if file is None else None
    passed = _PassedOver(saving)
    with loaded:
        predictions = loaded.predict(sources, skip=passed if resume else None, **config.predict_arguments())
        if saving is not None:
            predictions = saving.writable(predictions, config.on_error)
        telling = Telling(predictions, lambda: passed.count, as_json=as_json, whole=verbose())
        count = Count(partial(_origins, sources, config))
        interrupted: KeyboardInterrupt | None = None
        try:
            with run_line(telling, count, as_json):
                if file is None:
                    _write_each(telling, predictions, saving)
                else:
                    _write_one(telling, predictions, file, config)
        except KeyboardInterrupt as end:
            interrupted = end
        finally:
            # After Ctrl-C too: what is done is told.
            predictions.close()
            telling.rest()
            summary(predictions.failures, telling.tally, config.save_path, passed.count)
    if interrupted is not None:
        ctx.exit(alert_interrupted(interrupted, None if count.total is None else count.total - telling.done))
    if predictions.failures:
        ctx.exit(3)


def _check_words(ctx: click.Context, said: list[str]) -> None:
    """Looks at the inputs as they are spelt, before anything is read."""
    if not said:
        raise click.UsageError(tr("Give at least one input."), ctx)
    if said.count(_STDIN) > 1:
        raise click.UsageError(tr("Standard input can be read once. Give - once."), ctx)
    if ctx.params["save_path"] == _STDIN:
        raise click.UsageError(tr("Results are written to files: give -o a folder or a file. --json prints them."), ctx)
    if ctx.params["offline"]:
        _refuse_addresses(said)
    if _STDIN in said and sys.stdin.isatty():
        note("A picture is expected on standard input. It ends with Ctrl-D.")


def _check_files(said: list[str]) -> None:
    """Opens the files that are named: a model that is opened for the first time takes seconds, a mistyped path none."""
    from zoo.picture.sources.files import check_named

    for source in said:
        if source != _STDIN:
            check_named(source)


def _one_file(ctx: click.Context, config: PipelineConfig) -> Path | None:
    """Returns the path of the one file that is to hold all results, if the path is none of a folder."""
    from zoo.registry.formats import find_format, format_suffixes
    from zoo.results.drawing.movie import KINDS, SUFFIX, is_video
    from zoo.results.files.naming import check_suffix

    path, given_here = config.save_path, ctx.params["save_path"]
    if path is None or not path.suffix or path.is_dir() or str(given_here).endswith(os.sep):
        return None
    if given_here is None and path.suffix.lower() not in format_suffixes():
        return None  # a pipeline file names a folder
    if path.suffix.lower() not in {*format_suffixes(), SUFFIX}:
        forms = [form for kind in config.save_kinds if (form := find_format(kind)) is not None]
        videos = [SUFFIX] if set(KINDS) & set(config.save_kinds) else []
        known = list(dict.fromkeys([*(suffix for form in forms for suffix in form.suffixes), *videos]))
        # Another kind of video is asked for: the one that zoo writes comes first.
        check_suffix(path, sorted(known, key=lambda suffix: suffix != SUFFIX) if is_video(path) else known)
    if len(config.save_kinds) != 1:
        raise click.UsageError(
            tr(
                "{path} names a file, which holds one form. Choose it, such as --save {kind}, or give a folder.",
                path=path,
                kind=_kind_for(path.suffix.lower()),
            ),
            ctx,
        )
    return path


def _kind_for(suffix: str) -> str:
    """Returns the first form that is written to files with such an ending."""
    from zoo.registry.formats import all_formats

    return next((form.name for form in all_formats() if suffix in form.suffixes), "overlay")


def _refuse_several(sources: list[Any], config: PipelineConfig, file: Path) -> None:
    """Refuses what is known to be impossible before any work: several pictures, or a file that is not zoo's."""
    from zoo.registry.formats import find_format
    from zoo.results.drawing.movie import SUFFIX
    from zoo.results.files.naming import check_free
    from zoo.results.files.save import too_many

    (kind,) = config.save_kinds
    check_free(file)
    form = find_format(kind)
    one = form is not None and not form.many and file.suffix.lower() != SUFFIX
    if one and len(list(itertools.islice(_origins(sources, config), 2))) > 1:
        raise too_many(kind, file)


def _write_each(telling: Telling, predictions: Predictions, saving: Saving | None) -> None:
    """Writes the files of each result in a thread, while the engine is at the next ones."""
    from zoo.base.flow import ahead

    if saving is None:
        telling.through((result, []) for result in predictions)
        return

    def write(result: Result) -> Written:
        done = result, saving.write(result)
        telling.finished.append(done)
        return done

    with contextlib.closing(ahead(predictions, write)) as written:
        telling.through(written)


def _write_one(telling: Telling, predictions: Predictions, file: Path, config: PipelineConfig) -> None:
    """Writes all results into one file."""
    from zoo.results.files.save import save_all

    (kind,) = config.save_kinds
    passing = telling.passing((result, []) for result in predictions)
    for path in save_all((cast("Result", result) for result, _ in passing), file, kind, config.save_arguments(kind)):
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


class _Stdin:
    """Standard input as a file of that name; it is read when its turn comes."""

    name = "stdin"

    def read(self, size: int) -> bytes:
        """Returns at most so many bytes."""
        # Ctrl-C that comes in the moment before a terminal is waited for is seen only when the waiting ends.
        while sys.stdin.isatty() and not select.select([sys.stdin], [], [], _NAP)[0]:
            continue
        return sys.stdin.buffer.read(size)

    def seekable(self) -> bool:
        """Says that it cannot go back."""
        return False


def _origins(sources: list[Any], config: PipelineConfig) -> Iterator[object]:
    from zoo.picture.sources import SourceOptions, origins

    return origins(sources, SourceOptions(recursive=config.recursive, told=False))


class _PassedOver:
    """Whether an input has all its results in a folder; counts those that have."""

    def __init__(self, saving: Saving | None) -> None:
        self._saving = saving
        self.count = 0

    def __call__(self, item: Input) -> bool:
        assert self._saving is not None
        if self._saving.is_done(item):
            self.count += 1
            return True
        return False

"""Pipeline: a model with the options of a pipeline file."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from zoo.base.files import ensure_folder
from zoo.base.flow import ahead
from zoo.errors import ConfigError, FetchError, LockMismatchError, ModelNotInstalledError
from zoo.message import Message, printable
from zoo.predict.options import names_of
from zoo.predict.pipeline.config import PipelineConfig
from zoo.predict.pipeline.hpi import asked_for
from zoo.predict.pipeline.read import read_pipeline
from zoo.predict.pipeline.sizing import with_target_size
from zoo.predict.unknown import unknown_option

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from zoo.picture.sources import Source
    from zoo.predict.arguments import PipelineArguments, RunArguments
    from zoo.predict.model import Model
    from zoo.predict.pipeline.saving import Saving
    from zoo.predict.remote.remote_model import RemoteModel
    from zoo.results import Failure, Predictions, Result
    from zoo.store.download.progress import Progress

_log = logging.getLogger("zoo")

#: The model that comes with zoo.
STARTER = "starter"


def create_pipeline(
    pipeline: str | os.PathLike[str],
    device: str | None = None,
    enable_hpi: bool | None = None,
    *,
    use_hpip: bool | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    **overrides: Unpack[PipelineArguments],
) -> Pipeline:
    """Opens a pipeline.

    Args:
        pipeline: "semantic_segmentation", or the path of a pipeline file in zoo's own form or one of PaddleX's two.
        device: Such as "cpu" or "gpu:0"; by default what the file says.
        enable_hpi: High-performance inference: the fastest engine whose masks are right here, whatever the file says.
            False leaves out what the file says of it; by default the file decides.
        use_hpip: Another name of `enable_hpi`, which PaddleX's own files use.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        progress: As in `zoo.load`.
        overrides: Other options of `PipelineConfig`, which beat the file.

    Returns:
        The pipeline. It is also a context manager that closes itself.

    Raises:
        ConfigError: The file, or an option, is not understood, or two contradict each other.
        DeviceError: The device cannot be used; no other one is taken instead.
        BackendError: The engine cannot be used.
        ZooError: The model cannot be had or opened, as `zoo.load` says.
    """
    asked = asked_for(enable_hpi, use_hpip)
    config = read_pipeline(pipeline, asked).override(device=device, enable_hpi=asked, **overrides)
    return open_pipeline(config, offline=offline, lock=lock, progress=progress)


def open_pipeline(
    config: PipelineConfig,
    *,
    offline: bool | None = None,
    lock: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Pipeline:
    """Opens the model of a configuration; its notes go to the log.

    Args:
        config: What `read_pipeline` returned, with other options if need be.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        progress: As in `zoo.load`.

    Raises:
        OutputError: The folder for the results cannot be used.
        ZooError: As `zoo.load` says.
    """
    for note in config.notes:
        _log.warning("%s: %s", printable(config.file or "pipeline"), note)
    if config.save_path is not None:
        # Before the model is loaded and any work is done for nothing.
        ensure_folder(config.save_path)
    return Pipeline(config, load_predictor(config, offline=offline, lock=lock, progress=progress))


def load_predictor(
    config: PipelineConfig,
    *,
    offline: bool | None = None,
    lock: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Model | RemoteModel:
    """Opens the model of a configuration, on this machine or of a server.

    Args:
        config: What `read_pipeline` returned, with other options if need be.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        progress: As in `zoo.load`.

    Raises:
        ConfigError: It is a model of a server, and something is asked for that only the server decides.
        ZooError: As `load_model`.
    """
    from zoo.predict.load import load
    from zoo.predict.remote.server_address import is_server

    if not is_server(config.model):
        return load_model(config, offline=offline, lock=lock, progress=progress)
    for name in ("enable_hpi", "target_size"):
        if getattr(config, name):
            raise ConfigError(
                "`{name}` was given for a model that a server runs. It was expected to be left out.",
                "Give it to the server: zoo serve",
                name=name,
            )
    if config.save_font is not None:
        from zoo.results.drawing.font import check_font

        check_font(config.save_font)
    return load(config.model, offline=offline, lock=lock, **config.load_arguments())


def load_model(
    config: PipelineConfig,
    *,
    offline: bool | None = None,
    lock: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Model:
    """Opens the model of a configuration, for a caller that predicts and saves by itself.

    Args:
        config: What `read_pipeline` returned, with other options if need be.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        progress: As in `zoo.load`.

    Raises:
        ZooError: As `zoo.load` says; where the model's plugin or files are missing, the hint names the model that
            needs neither.
    """
    from zoo.predict.load import load
    from zoo.registry.discovery import discover

    if config.save_font is not None:
        from zoo.results.drawing.font import check_font

        check_font(config.save_font)
    try:
        model = load(config.model, offline=offline, lock=lock, progress=progress, **config.load_arguments())
    except (ModelNotInstalledError, FetchError) as error:
        if isinstance(error, LockMismatchError) or config.model == STARTER:
            raise
        hint = Message("{hint}. Or use the model that comes with zoo: model='starter'", hint=error.hint)
        raise type(error)(error.message, hint) from error
    if config.target_size is not None:
        steps = with_target_size(model.bundle.preprocess, config.target_size)
        model.bundle = replace(model.bundle, preprocess=steps)
    if config.enable_hpi:
        model.why = Message("high-performance inference: {why}", why=model.why)
        if len(discover("zoo.backends").backends) == 1:
            _log.warning("high-performance inference brings nothing here: %s is the only engine", model.engine)
    return model


class Pipeline:
    """A model with options. Made by `zoo.create_pipeline`.

    Attributes:
        config: The options.
        model: The opened model.
    """

    def __init__(self, config: PipelineConfig, model: Model | RemoteModel) -> None:
        self.config = config
        self.model = model

    def __repr__(self) -> str:
        return f"<Pipeline on {self.config.device}: {self.model!r}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file holds that is not used, a sentence each."""
        return self.config.notes

    # The name is PaddleX's.
    def predict(
        self,
        input: Source | None = None,  # noqa: A002
        *,
        x: Source | None = None,
        **options: Unpack[RunArguments],
    ) -> Predictions:
        """Segments pictures.

        Args:
            input: Whatever `Model.predict` takes.
            x: Another name of `input`, which the PaddleX tutorial uses too.
            options: Options of `PipelineConfig` for this run; they beat those of the pipeline.

        Returns:
            A lazy iterator of results. If the pipeline has a `save_path`, each result is written there before it is
            handed out.

        Raises:
            ConfigError: An option does not exist, or can only be given when the pipeline is created.
            TypeError: There is no input, or there are two.
            SourceError: While iterating, as in `Model.predict`.
            OutputError: While iterating: a result cannot be written.
        """
        if (input is None) == (x is None):
            raise TypeError(Message("predict() takes one input: predict(input) or predict(x=input)"))
        for name in options:
            if name in ("model", *names_of("load", "pipeline", "save")):
                raise ConfigError(
                    "`{name}` cannot be given to predict: it is fixed when the pipeline is created.",
                    "Give it there: create_pipeline(..., {name}=...)",
                    name=name,
                )
            if name not in names_of("predict"):
                raise unknown_option(name, names_of("predict"), "predict")
        config = self.config.override(**options)
        source = cast("Source", x if input is None else input)
        predictions = self.model.predict(source, **config.predict_arguments())
        from zoo.predict.pipeline.saving import Saving

        saving = Saving.of(self.config, source)
        if saving is None:
            return predictions
        from zoo.picture.sources.tree import roots_of
        from zoo.results import Predictions

        writable = saving.writable(predictions, config.on_error)
        return Predictions(_saved(writable, saving, config.live), partial(roots_of, source))

    def close(self) -> None:
        """Frees the engine. The pipeline cannot be used afterwards."""
        self.model.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _saved(predictions: Predictions, saving: Saving, live: bool) -> Iterator[Result | Failure]:
    """Passes a run on, failures in their places, and writes each result, in a thread."""
    from zoo.results import Failure

    def save(item: Result | Failure) -> Result | Failure:
        if not isinstance(item, Failure):
            saving.write(item)
        return item

    try:
        yield from ahead(predictions.outcomes(), save, waiting=1 if live else 4)
    finally:
        predictions.close()

"""A model that a server runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.base.home import offline as told_offline
from zoo.base.notebook import counted
from zoo.contract.labels import LabelMapping
from zoo.errors import ConfigError, InferenceError, OfflineError, OutputError, RequestError, SourceError
from zoo.message import joined_notes
from zoo.picture.image import most_pixels
from zoo.picture.sources import Input, Source, SourceOptions, inputs
from zoo.picture.sources.tree import roots_of
from zoo.predict.arguments import Predicts, RunOptions
from zoo.predict.plan import mapping_of
from zoo.predict.remote.answer import RemoteAnswer, read_answer
from zoo.predict.remote.channel import Channel
from zoo.predict.remote.parcel import parcel
from zoo.predict.remote.served_model import ServedModel, read_served
from zoo.predict.remote.server_address import ServerAddress
from zoo.results import Failure, Predictions, Result
from zoo.results.change import check_unknown, made_unknown, unknown_below
from zoo.results.drawing.palette import read_palette

if TYPE_CHECKING:
    from zoo.contract.labels import LabelSet
    from zoo.predict.tiff import Progress as TiffProgress

Outcomes: TypeAlias = Generator[Result | Failure, None, None]

# Pictures on their way at the same time; a server of two workers is kept busy, and none is flooded.
_REQUESTS = 4
# Options that say how the network is run, which the server was told when it was started.
_ITS_OWN = ("mode", "window", "stride", "flip", "scales")
_DEFAULTS = RunOptions()


class RemoteModel(Predicts):
    """A model of a server. Made by `zoo.load("http://HOST:PORT")`.

    Pictures are read here, as for a local model, and results are made here. Given to another process, as a pickle, it
    asks the server again.

    Attributes:
        why: As of `zoo.Model`.
    """

    def __init__(self, channel: Channel, served: ServedModel) -> None:
        self.why = ""
        self._channel, self._served = channel, served

    def __repr__(self) -> str:
        return f"<RemoteModel {self.name} of {self._channel.address.url}: {len(self.labels)} classes>"

    @property
    def name(self) -> str:
        """Name of the model, as the server calls it."""
        return self._served.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of their values."""
        return self._served.labels.names

    @property
    def server(self) -> str:
        """Address of the server."""
        return self._channel.address.url

    @property
    def device(self) -> str:
        """The device it ran on when it was opened here; empty where the server had not loaded it."""
        return self._served.device

    @property
    def precision(self) -> str:
        """The precision in which it computed then; empty likewise."""
        return self._served.precision

    @property
    def engine(self) -> str:
        """The engine in use then; empty likewise."""
        return self._served.engine

    def _predict(self, source: Source, options: RunOptions) -> Predictions:
        plan = _Finish.of(self._served.labels, options, self.name)
        reading = SourceOptions(
            options.color,
            options.recursive,
            options.frames,
            pixel_limit=most_pixels(options.max_pixels),
            value_range=options.value_range,
        )
        found, skip = inputs(source, reading), options.skip
        wanted = found if skip is None else (item for item in found if not skip(item))
        return Predictions(counted(self._results(wanted, plan, options)), partial(roots_of, source))

    def _results(self, found: Iterator[Input], plan: _Finish, options: RunOptions) -> Outcomes:
        waiting = 1 if options.live else 2 * _REQUESTS
        for outcome in ahead(found, partial(self._segmented, plan=plan), waiting, _REQUESTS):
            if isinstance(outcome, Failure) and options.on_error != "skip":
                raise outcome.error
            yield outcome

    def _segmented(self, item: Input, plan: _Finish) -> Result | Failure:
        try:
            began = time.perf_counter()
            image = item.read()
            read = time.perf_counter() - began
            if item.empty is not None:
                check_unknown(plan.labels)
            answer, seconds = self._asked(item, image, plan.scores)
            return plan.result(item, image, answer, {"read": read, **seconds})
        # What is wrong with the server as a whole ends the run, whatever is to be passed over.
        except (SourceError, InferenceError, OutputError, RequestError) as error:
            return Failure(item.name, item.uri, error)

    def _asked(self, item: Input, image: NDArray[np.uint8], scores: bool) -> tuple[RemoteAnswer, dict[str, float]]:
        size = (image.shape[0], image.shape[1])
        body = parcel(item, image, self._channel.address.near)
        query = {"model": self.name, "form": "json"}
        if scores:
            query |= {"form": "scored", "scores": "true"}
        # A run and its length take at most sixteen letters, and the score of a pixel at most six.
        reply = self._channel.post("/v1/predict", body, query, (1 << 20) + 24 * size[0] * size[1])
        answer = read_answer(reply.content, size, scores)
        there = {stage: answer.seconds.get(stage, 0.0) for stage in ("preprocess", "inference", "postprocess")}
        return answer, {**there, "transfer": max(0.0, reply.seconds - sum(there.values()))}

    def _predict_tiff(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        options: RunOptions,
        progress: Callable[[TiffProgress], None] | None,
    ) -> Path:
        raise ConfigError(
            "A large TIFF is segmented in windows by a model on this machine; {model} is a model of a server.",
            "Run: zoo tiff --model {model}, if it can be had here.",
            model=self.name,
        )

    def close(self) -> None:
        """Closes the connections. The model can be used again, which opens new ones."""
        self._channel.close()

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("bundle", "run"):
            raise ConfigError(
                "{model} is a model of the server {server}; its files are not on this machine, and they were expected.",
                "Give the name of a model or an export folder.",
                model=self.name,
                server=self.server,
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_remote, (replace(self._channel.address, model=self.name),)

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_remote(address: ServerAddress, offline: bool | None = None) -> RemoteModel:
    """Opens a model of a server.

    Args:
        address: Where it is.
        offline: Never use the network; by default what `ZOO_OFFLINE` says. This machine itself is no network.

    Raises:
        OfflineError: The server is on another machine, and the network may not be used.
        ModelNotFoundError: The server has no such model.
        RemoteError: It cannot be asked.
    """
    if not address.near and (told_offline() if offline is None else offline):
        raise OfflineError(
            "{server} is on another machine, and zoo was told to stay offline.",
            "Run without --offline and ZOO_OFFLINE.",
            server=address.url,
        )
    channel = Channel(address)
    return RemoteModel(channel, read_served(channel))


class _Finish:
    """What becomes of every answer."""

    def __init__(
        self, served: LabelSet, labels: LabelSet, mapping: LabelMapping | None, scores: bool, min_score: float | None
    ) -> None:
        self._served, self.labels, self._mapping = served, labels, mapping
        self.scores, self._min_score = scores, min_score

    @classmethod
    def of(cls, served: LabelSet, options: RunOptions, model: str) -> _Finish:
        """Makes it of options; refuses those that the server alone decides."""
        for name in _ITS_OWN:
            if getattr(options, name) != getattr(_DEFAULTS, name):
                raise ConfigError(
                    "`{name}` was given for {model}, which a server runs. It was expected to be left out.",
                    "Start the server with a pipeline file that says {name}: zoo serve --pipeline FILE",
                    name=name,
                    model=model,
                )
        if options.min_score is not None:
            check_unknown(served)
        mapping = mapping_of(options.labels, served)
        labels = served if mapping is None else mapping.labels
        if options.palette is not None:
            labels = replace(labels, palette=read_palette(options.palette, labels))
        return cls(served, labels, mapping, options.scores or options.min_score is not None, options.min_score)

    def result(self, item: Input, image: NDArray[np.uint8], answer: RemoteAnswer, seconds: dict[str, float]) -> Result:
        """Makes the result of a picture."""
        mask = answer.mask
        if self._min_score is not None and answer.scores is not None:
            mask = unknown_below(mask, answer.scores, self._min_score, self._served)
        if self._mapping is not None:
            mask = self._mapping.apply(mask)
        if item.empty is not None:
            mask = made_unknown(mask, item.empty, self.labels)
        facts = {**answer.facts, "note": joined_notes(item.note, answer.facts["note"])}
        return Result(
            mask=mask,
            labels=self.labels,
            image=image,
            name=item.name,
            uri=item.identify(image),
            seconds=seconds,
            scores=answer.scores,
            **facts,
        )

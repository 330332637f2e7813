"""A loaded model: pictures in, results out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.base.files import user_path
from zoo.base.notebook import counted
from zoo.bundle.bundle import Bundle
from zoo.engine.engine import Answer, Engine
from zoo.errors import BundleError
from zoo.message import Message
from zoo.picture.image import most_pixels
from zoo.picture.sources import Input, Source, SourceOptions, inputs
from zoo.picture.sources.tree import roots_of
from zoo.predict.arguments import Predicts, RunOptions
from zoo.predict.plan import Plan, make_plan
from zoo.predict.run import Run, answers_in_order, raw_answers
from zoo.predict.steps import Prepared
from zoo.results import Failure, Predictions, Result
from zoo.segment.channels import class_values

if TYPE_CHECKING:
    from zoo.predict.tiff import Progress as TiffProgress


class Model(Predicts):
    """An opened model. Made by `zoo.load`.

    Given to another process, as a pickle, it is opened there again by the same name and with the same arguments. A
    process that is forked off has it as it is, with one stream.

    Attributes:
        bundle: The export folder it was opened from.
        why: Why this engine runs it, a clause.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine | None = None,
        reopen: Callable[[], Model] | None = None,
        why: str = "",
    ) -> None:
        if engine is None:
            # The first that people try is Model("starter").
            raise TypeError(Message("A model is opened by its name with zoo.load({name!r}).", name=str(bundle)))
        self.bundle, self.why = bundle, why
        self._engine = engine
        self._reopen = reopen
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else self.engine
        return f"<Model {self.name}: {len(self.labels)} classes, {state}>"

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.bundle.model

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of their values."""
        return self.bundle.labels.names

    @property
    def device(self) -> str:
        """The device it really runs on, such as "cpu"."""
        return self._engine.facts.device

    @property
    def precision(self) -> str:
        """The precision in which it really computes, such as "float32"."""
        return self._engine.facts.precision

    @property
    def engine(self) -> str:
        """The engine really in use, its version and its setting."""
        return str(self._engine.facts)

    @property
    def running(self) -> Engine:
        """What runs it, for callers with batches of their own."""
        return self._engine

    def _predict(self, source: Source, options: RunOptions) -> Predictions:
        plan = make_plan(self.bundle, options)
        reading = SourceOptions(
            options.color,
            options.recursive,
            options.frames,
            pixel_limit=most_pixels(options.max_pixels),
            value_range=plan.value_range,
        )
        found, skip = inputs(source, reading), options.skip
        wanted = found if skip is None else (item for item in found if not skip(item))
        return Predictions(counted(self.run(wanted, plan, options)), partial(roots_of, source))

    def run(self, found: Iterable[Input], plan: Plan, options: RunOptions) -> Generator[Result | Failure, None, None]:
        """Runs inputs by a plan that is made already: what `predict` does, for callers with inputs of their own.

        Args:
            found: The inputs; taken as they are needed.
            plan: What becomes of every picture.
            options: What it was made of.

        Yields:
            A result an input, in order; with `on_error="skip"` failures in their place.

        Raises:
            SourceError: As in `predict`, like the next one.
            InferenceError: See there.
        """
        return Run(replace(plan, why=self.why), options, self._engine).results(found)

    def answers(
        self, found: Iterable[Input], plan: Plan
    ) -> Generator[tuple[Prepared | Failure, list[Answer]], None, None]:
        """Runs inputs and makes no masks of them; see `zoo.predict.run.raw_answers`."""
        return raw_answers(self._engine, found, plan)

    def _predict_tiff(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        options: RunOptions,
        progress: Callable[[TiffProgress], None] | None,
    ) -> Path:
        from zoo.predict.tiff import check_replaceable, check_windows, segment_tiff

        source, target = user_path(source), user_path(target)
        check_windows(self.bundle)
        plan = make_plan(self.bundle, replace(options, mode="slide"))
        mark = f"zoo labels of {json.dumps(os.path.abspath(source))}"
        check_replaceable(target, mark)
        return segment_tiff(
            source,
            target,
            lambda batches: (
                class_values(answer.output, self.bundle) for answer in answers_in_order(self._engine, batches)
            ),
            plan,
            description=f"{mark}, {json.dumps(self.name)}, {self.engine}, {plan.window_note}",
            progress=progress,
        )

    def close(self) -> None:
        """Frees the engine. The model cannot be used afterwards."""
        self._closed = True
        self._engine.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is None:
            raise TypeError(
                Message(
                    "The model {model} cannot be given to another process: it was not opened by zoo.load, so nothing "
                    "says how to open it there. Open it in that process.",
                    model=self.name,
                )
            )
        return _reopened, (self._reopen, self.bundle)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reopened(reopen: Callable[[], Model], bundle: Bundle) -> Model:
    """Opens a model in the process it was given to; with the preprocessing it has where it comes from."""
    model = reopen()
    if model.bundle.digests != bundle.digests:
        model.close()
        raise BundleError(
            "{model} has other files here than in the process it comes from.",
            "Bring both to the same version, or open it here.",
            model=bundle.model,
        )
    model.bundle = replace(model.bundle, preprocess=bundle.preprocess)
    return model

"""A loaded model: pictures in, results out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo.bundle.bundle import Bundle
from zoo.engine.engine import Engine
from zoo.errors import BundleError
from zoo.message import Message
from zoo.picture.sources import (
    Input,
    Source,
    SourceOptions,
    inputs,
)
from zoo.predict.options import RunOptions
from zoo.predict.plan import Labels, Plan, make_plan
from zoo.predict.run import Run, answers_in_order
from zoo.results import Failure, Predictions, Result

if TYPE_CHECKING:
    from zoo.predict.tiff import Progress as TiffProgress


class Model:
    """An opened model. Made by `zoo.load`.

    Given to another process, as a pickle, it is opened there again by the same name and with the same arguments. A
    process that is forked off has it as it is, with one stream.

    Attributes:
        bundle: The export folder it was opened from.
    """

    def __init__(self, bundle: Bundle, engine: Engine, reopen: Callable[[], Model] | None = None) -> None:
        self.bundle = bundle
        self._engine = engine
        self._reopen = reopen

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
    def engine(self) -> str:
        """The engine really in use, its version and its setting."""
        return str(self._engine.facts)

    def predict(
        self,
        source: Source,
        batch_size: int | Literal["auto"] = 1,
        on_error: Literal["raise", "skip"] = "raise",
        *,
        color: Literal["rgb", "bgr"] = "rgb",
        frames: Literal["first", "all"] = "first",
        recursive: bool = False,
        scores: bool = False,
        min_score: float | None = None,
        labels: Labels | None = None,
        palette: Any = None,
        mode: Literal["auto", "whole", "slide"] = "auto",
        window: tuple[int, int] | None = None,
        stride: tuple[int, int] | None = None,
        flip: bool = False,
        scales: Sequence[float] | float = (1.0,),
        live: bool = False,
        skip: Callable[[Input], bool] | None = None,
    ) -> Predictions:
        """Segments pictures.

        Args:
            source: A path, URL, folder or pattern; an array, a PIL image, bytes or a file object; {"img": one of
                these}; a list, tuple, generator or other iterator of these. PDF files, animated pictures, multi-page
                TIFF and video are read too.
            batch_size: At most so many pictures of equal input size run together; the results do not depend on it.
                "auto" measures, for each size, how many are fastest.
            on_error: "raise" ends at the first picture that cannot be read; "skip" goes on and collects the failures
                in `Predictions.failures`.
            color: Order of the channels in arrays, "rgb" or "bgr".
            frames: "first" or "all" of a picture that has several.
            recursive: Read the folders inside folders too.
            scores: Give results the probability of the winning class in every pixel.
            min_score: Pixels whose probability is below it, 0 to 1, become unknown.
            labels: Other classes: a `LabelMapping`, {new: [old, ...]}, a YAML file, or the name of a built-in one.
            palette: Colours in place of the card's: RGB triples for all classes, or {class: colour}.
            mode: "slide" runs pictures larger than `window` in overlapping windows, "whole" takes every picture in one
                piece. "auto" slides where the published figure of the model is one of windows.
            window: (height, width) of a window in pixels; by default the published one.
            stride: (height, width) from one window to the next; by default the published one, else three quarters of
                `window`.
            flip: Average with the mirrored picture.
            scales: Average over these factors of the size.
            live: Take the next input only when the result of the one before has been handed out, for a camera or a
                source that waits for answers. Otherwise a few inputs are taken ahead, which is faster.
            skip: Asked about every input before it is read; True passes it over.

        Returns:
            A lazy iterator of results in the order of the source.

        Raises:
            SourceError: While iterating: a picture cannot be read and `on_error` is "raise".
            InferenceError: While iterating: the engine failed.
            BundleError: Scores, windows or views are asked for and the program cannot give them.
            ConfigError: Labels, palette, windows or scales are not possible.
            ValueError: An argument has another value.
        """
        options = RunOptions(
            batch_size,
            on_error,
            color,
            frames,
            recursive,
            scores,
            min_score,
            mode,
            window,
            stride,
            flip,
            scales,
            palette,
            live,
            skip,
        )
        plan = make_plan(self.bundle, options, labels)
        found = inputs(source, SourceOptions(options.color, options.recursive, options.frames))
        wanted = found if skip is None else (item for item in found if not skip(item))
        return Predictions(self.run(wanted, plan, options))

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
        return Run(plan, options, self._engine).results(found)

    def predict_tiff(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        window: tuple[int, int] | None = None,
        stride: tuple[int, int] | None = None,
        batch_size: int = 1,
        min_score: float | None = None,
        labels: Labels | None = None,
        progress: Callable[[TiffProgress], None] | None = None,
    ) -> Path:
        """Segments a TIFF of any size in windows; neither the picture nor its label map is ever held as a whole.

        Args:
            source: A tiled or striped TIFF; needs the extra `large`.
            target: The label map to write: a tiled, compressed TIFF of class values with the palette; replaced when it
                is complete and not before. Its name ends in .tif or .tiff; missing folders are made. A file that is
                none of an earlier run on the same picture is not replaced.
            window: (height, width) of a window in pixels; by default the published one.
            stride: (height, width) from one window to the next; by default the published one, else three quarters of
                `window`.
            batch_size: At most so many windows run together.
            min_score: Pixels whose probability is below it become unknown.
            labels: Other classes, as in `predict`.
            progress: Called after every batch of windows and with every strip.

        Returns:
            The target.

        Raises:
            BundleError: The model cannot be run in windows.
            ConfigError: Nothing says how large the windows are, or labels are not possible.
            SourceError: The file is no TIFF that can be read in parts.
            OutputError: The target cannot be written, or its name does not end in .tif or .tiff.
            ValueError: A number is out of bounds.
        """
        from zoo.predict.tiff import (
            check_replaceable,
            segment_tiff,
        )

        options = RunOptions(batch_size, min_score=min_score, mode="slide", window=window, stride=stride)
        plan = make_plan(self.bundle, options, labels)
        mark = f"zoo labels of {json.dumps(os.path.abspath(source))}"
        check_replaceable(target, mark)
        return segment_tiff(
            source,
            target,
            lambda batches: (answer.output for answer in answers_in_order(self._engine, batches)),
            plan,
            description=f"{mark}, {json.dumps(self.name)}, {self.engine}, {plan.window_note}",
            progress=progress,
        )

    def close(self) -> None:
        """Frees the engine. The model cannot be used afterwards."""
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

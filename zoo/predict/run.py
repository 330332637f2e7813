"""The straight line of a run: pictures are prepared ahead, run in batches, and become results in their order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.bundle.bundle import Bundle
from zoo.contract.engine import Session
from zoo.contract.labels.mapping import LabelMapping
from zoo.contract.spec import (
    Step,
    Window,
)
from zoo.engine.lanes import Streams
from zoo.errors import BackendError, InferenceError, SourceError, ZooError
from zoo.message import Message
from zoo.picture.sources import (
    Input,
    SourceOptions,
    inputs,
)
from zoo.predict.arguments import RunOptions
from zoo.predict.batches import (
    BatchSizer,
    Begun,
    in_batches,
)
from zoo.results import Failure, Result, with_min_score, with_palette
from zoo.segment.augmented import augmented
from zoo.segment.scores import label_map
from zoo.segment.slide import (
    ArrayRows,
    slide,
    slide_logits,
)
from zoo.segment.transforms import (
    Geometry,
    preprocess,
)
from zoo.segment.upsample import resize_labels

if TYPE_CHECKING:
    from zoo.picture.sources import Source

_log = logging.getLogger("zoo.predict.run")

# Two threads keep up with the fastest models on JPEG files; more would take cores from the engine.
_READERS = 2
# A run this long opens streams: by then it has taken about as long as opening them does.
_MANY = 8
# Features of larger inputs are not to be held once a stream; pixels of a batch.
_LARGEST = 1 << 22

Mask = NDArray[np.uint8 | np.uint16]
Scores = NDArray[np.float32] | None
_Segmented = Sequence[Result | Failure]


class Run:
    """One call of `Model.predict`.

    Args:
        bundle: The model.
        streams: Its engine; the main session is used in the thread that iterates.
        device: The device the engine runs on.
        options: How to run.
        window: Sliding windows for pictures larger than one; None to take every picture whole.
        mapping: Other classes to bring the masks to, or None.
        note: What results must say of windows, or of taking a picture whole.
    """

    def __init__(
        self,
        bundle: Bundle,
        streams: Streams,
        device: str,
        options: RunOptions,
        window: Window | None,
        mapping: LabelMapping | None,
        note: str,
    ) -> None:
        self._bundle = bundle
        self._streams = streams
        self._session = streams.main
        self._device = device
        self._options = options
        self._window = window
        self._mapping = mapping
        self._note = note
        self._sizer = BatchSizer(options.batch_size)
        self._scores = options.scores or options.min_score is not None
        # What a batch takes says little while others run.
        self._may_stream = streams.count > 1 and options.batch_size != "auto" and not options.live
        self._run_so_far = 0
        # Whether a view of the picture that runs was cut into windows.
        self._slid_view = False
        self._running: dict[int, Future[_Segmented]] = {}
        if streams.asked and options.batch_size == "auto":
            _log.warning("batch_size is auto: the batches run one after the other, without streams")

    def results(self, source: Source) -> Iterator[Result | Failure]:
        """Yields a result a picture, in order; with `on_error="skip"` failures in their place.

        A few pictures are read ahead of the one that is asked for.
        """
        options = self._options
        found = inputs(source, SourceOptions(options.color, options.recursive, options.frames))
        if options.skip is not None:
            passed_over = options.skip
            found = (item for item in found if not passed_over(item))
        waiting = 1 if options.live else max(4, self._sizer.largest)
        prepared = ahead(found, self._prepare, waiting, _READERS)
        with ThreadPoolExecutor(self._streams.count, thread_name_prefix="zoo-stream") as pool:
            yield from in_batches(prepared, _shape, partial(self._start, pool), self._alone, self._sizer)

    def _prepare(self, item: Input) -> _Prepared | Failure:
        began = time.perf_counter()
        try:
            image = item.read()
        except SourceError as error:
            return Failure(item.name, item.uri, error)
        read = time.perf_counter()
        size = (image.shape[0], image.shape[1])
        tensor, geometry = None, Geometry(size, size, size)
        if not self._is_alone(size):
            tensor, geometry = preprocess(image, self._bundle.preprocess)
        seconds = {"read": read - began, "preprocess": time.perf_counter() - read}
        return _Prepared(item.name, item.identify(image), item.note, image, tensor, geometry, seconds)

    def _is_alone(self, size: tuple[int, int]) -> bool:
        """Whether a picture is no single input: it is cut into windows, or run in several views."""
        return _is_augmented(self._options) or self._slides(size)

    def _slides(self, size: tuple[int, int]) -> bool:
        window = self._window
        return window is not None and (size[0] > window.size[0] or size[1] > window.size[1])

    def _said(self, size: tuple[int, ...]) -> tuple[str, ...]:
        options = self._options
        if not _is_augmented(options):
            # A picture of one window was taken whole, as any other.
            return (self._note if self._window is None or self._slides((size[0], size[1])) else "",)
        count = (2 if options.flip else 1) * len(options.scales)
        views = (
            Message("mean over {views} views", views=count)
            if count > 1
            else Message("scaled by {scale:g}", scale=options.scales[0])
        )
        return self._note if self._window is None or self._slid_view else "", views

    def _start(self, pool: ThreadPoolExecutor, batch: Sequence[_Prepared | Failure]) -> Begun[Result | Failure]:
        """Runs a batch here, or starts it in a stream once there are many."""
        prepared = [item for item in batch if isinstance(item, _Prepared)]
        self._run_so_far += len(prepared)
        tensor = _stacked(prepared)
        small = tensor.shape[0] * tensor.shape[2] * tensor.shape[3] <= _LARGEST
        if not (self._may_stream and small and self._run_so_far > _MANY):
            return _now(partial(self._attempt, prepared))
        again = partial(self._without_streams, prepared)
        if not self._streams.complete:
            return _Streamed(_now(lambda: self._streams.open_next(partial(self._segment, prepared, tensor))), again)
        number = self._idle_stream()
        self._running[number] = pool.submit(self._segment, prepared, tensor, self._streams[number])
        return _Streamed(self._running[number], again)

    def _idle_stream(self) -> int:
        """Waits for a stream that runs no batch of this run."""
        while True:
            for number in range(self._streams.count):
                if number not in self._running or self._running[number].done():
                    return number
            wait(self._running.values(), return_when=FIRST_COMPLETED)

    def _without_streams(self, prepared: Sequence[_Prepared], why: ZooError) -> _Segmented:
        """Goes on with the main session, which has other settings to fall back to, and needs less memory alone."""
        if self._streams.closed:
            raise why
        if self._may_stream:
            self._may_stream = False
            _log.warning("a stream failed; the run goes on without streams: %s", why.message)
        return self._attempt(prepared)

    def _attempt(self, prepared: Sequence[_Prepared]) -> _Segmented:
        """Runs a batch on the main session; with `on_error="skip"` a picture that fails there is a failure."""
        try:
            return self._segment(prepared, _stacked(prepared), self._session)
        except InferenceError as error:
            if self._options.on_error == "raise":
                raise
            if len(prepared) > 1:
                return [outcome for item in prepared for outcome in self._attempt([item])]
            return [Failure(prepared[0].name, prepared[0].uri, error)]

    def _segment(self, prepared: Sequence[_Prepared], tensor: NDArray[np.float32], session: Session) -> _Segmented:
        began = time.perf_counter()
        outputs = session.run(tensor)
        seconds = time.perf_counter() - began
        self._sizer.ran(_shape(prepared[0]), len(prepared), seconds)
        return [
            self._finished(item, output, str(session.facts), seconds / len(prepared))
            for item, output in zip(prepared, outputs, strict=True)
        ]

    def _finished(self, item: _Prepared, output: NDArray[Any], engine: str, inference: float) -> Result:
        began = time.perf_counter()
        mask, scores = _mask(output, item.geometry, self._bundle, self._scores)
        postprocess = time.perf_counter() - began
        return self._result(item, mask, scores, engine, {"inference": inference, "postprocess": postprocess})

    def _alone(self, item: _Prepared | Failure) -> Result | Failure:
        if isinstance(item, Failure):
            if self._options.on_error == "raise":
                raise item.error
            return item
        try:
            return self._in_parts(item)
        except InferenceError as error:
            if self._options.on_error == "raise":
                raise
            return Failure(item.name, item.uri, error)

    def _in_parts(self, item: _Prepared) -> Result:
        began = time.perf_counter()
        if _is_augmented(self._options):
            self._slid_view = False
            mask, scores = augmented(
                item.image,
                self._view,
                self._bundle,
                flip=self._options.flip,
                scales=self._options.scales,
                scores=self._scores,
            )
        else:
            mask, scores = self._slid(item.image)
        return self._result(item, mask, scores, str(self._session.facts), {"inference": time.perf_counter() - began})

    def _view(self, image: NDArray[np.uint8], steps: Sequence[Step]) -> tuple[NDArray[np.float32], Geometry]:
        """Evaluates one view of a picture: in windows where they are asked for and it is larger than one."""
        bundle = replace(self._bundle, preprocess=tuple(steps))
        if self._window is not None and self._slides((image.shape[0], image.shape[1])):
            self._slid_view = True
            return slide_logits(image, self._session.run, bundle, self._window, self._window_batch)
        tensor, geometry = preprocess(image, steps)
        return self._session.run(tensor[np.newaxis])[0].astype(np.float32, copy=False), geometry

    def _slid(self, image: NDArray[np.uint8]) -> tuple[Mask, Scores]:
        assert self._window is not None
        strips = list(
            slide(
                ArrayRows(image),
                self._session.run,
                self._bundle,
                self._window,
                batch_size=self._window_batch,
                scores=self._scores,
            )
        )
        scores = [strip.scores for strip in strips if strip.scores is not None]
        return np.concatenate([strip.labels for strip in strips]), np.concatenate(scores) if scores else None

    @property
    def _window_batch(self) -> int:
        return 1 if self._options.batch_size == "auto" else self._options.batch_size

    def _result(self, item: _Prepared, mask: Mask, scores: Scores, engine: str, seconds: dict[str, float]) -> Result:
        options = self._options
        result = Result(
            mask=mask,
            labels=self._bundle.labels,
            image=item.image,
            name=item.name,
            uri=item.uri,
            model=self._bundle.model,
            device=self._device,
            engine=engine,
            seconds={**item.seconds, **seconds},
            scores=scores,
            note="; ".join(filter(None, (item.note, *self._said(mask.shape)))),
        )
        if options.min_score is not None:
            result = with_min_score(result, options.min_score)
        if self._mapping is not None:
            result = replace(result, mask=self._mapping.apply(result.mask), labels=self._mapping.labels)
        return result if options.palette is None else with_palette(result, options.palette)


def _is_augmented(options: RunOptions) -> bool:
    """Whether pictures are run in other views than as they are."""
    return options.flip or options.scales != (1.0,)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A picture that is read, and preprocessed unless it is no single input."""

    name: str
    uri: str
    note: str
    image: NDArray[np.uint8]
    tensor: NDArray[np.float32] | None
    geometry: Geometry
    seconds: dict[str, float]


class _Streamed:
    """A batch in a stream; where that fails it is run again, in the thread that asks for the results."""

    def __init__(self, future: Future[_Segmented], again: Callable[[ZooError], _Segmented]) -> None:
        self._future = future
        self._again = again

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> _Segmented:
        try:
            return self._future.result()
        except (BackendError, InferenceError) as error:
            self._future = _now(partial(self._again, error))
            return self._future.result()


def _stacked(prepared: Sequence[_Prepared]) -> NDArray[np.float32]:
    tensors = [item.tensor for item in prepared if item.tensor is not None]
    return np.stack(tensors) if len(tensors) > 1 else tensors[0][np.newaxis]


def _now(work: Callable[[], _Segmented]) -> Future[_Segmented]:
    """Does the work here; an error is raised where the result is asked for."""
    future: Future[_Segmented] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


def _shape(item: _Prepared | Failure) -> tuple[int, ...] | None:
    return item.tensor.shape if isinstance(item, _Prepared) and item.tensor is not None else None


def _mask(output: NDArray[Any], geometry: Geometry, bundle: Bundle, scores: bool) -> tuple[Mask, Scores]:
    """Brings one output of the program to the size of the source."""
    if bundle.output == "logits" or _holds_scores(output, bundle.output):
        return label_map(output, geometry, bundle, scores)
    labels = resize_labels(_as_labels(output), geometry.padded)
    height, width = geometry.resized
    return resize_labels(labels[:height, :width], geometry.source), None


def _holds_scores(output: NDArray[Any], declared: str) -> bool:
    """Tells scores (C, H, W) from labels (H, W) or (1, H, W) by type and shape, never by values."""
    kind, bits = output.dtype.kind, 8 * output.dtype.itemsize
    if declared != "scores" and kind in "iu" and (output.ndim == 2 or (output.ndim == 3 and len(output) == 1)):
        return False
    # One channel has no best class; float64 would gain ties when it is narrowed.
    if declared != "labels" and kind == "f" and bits <= 32 and output.ndim == 3 and len(output) > 1:
        return True
    expected = {"labels": Message("Whole numbers (H, W) were"), "scores": Message("Float scores (classes, H, W) were")}
    either = Message("Whole numbers (H, W) or float scores (classes, H, W) were")
    raise InferenceError(
        "The program returned {shape} {dtype} a picture. {declared} expected.",
        "Export the model again with output_op argmax, or with zoo.",
        shape=output.shape,
        dtype=output.dtype,
        declared=expected.get(declared, either),
    )


def _as_labels(output: NDArray[Any]) -> NDArray[Any]:
    labels = output.reshape(output.shape[-2:])
    top = int(labels.max(initial=0))
    if labels.min(initial=0) < 0 or top > 65535:
        raise InferenceError(
            "The program returned class values from {lowest} to {top}. 0 to 65535 were expected.",
            "Export the model again.",
            lowest=labels.min(),
            top=top,
        )
    return labels.astype(np.uint8 if top < 256 else np.uint16)

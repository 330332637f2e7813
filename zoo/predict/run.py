"""The straight line of a run: pictures are prepared ahead, run in batches, and become results in their order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.contract.engine import Session
from zoo.engine.lanes import Streams
from zoo.errors import BackendError, InferenceError, ZooError
from zoo.picture.sources import (
    SourceOptions,
    inputs,
)
from zoo.predict.batches import (
    BatchSizer,
    Begun,
    in_batches,
)
from zoo.predict.options import RunOptions
from zoo.predict.plan import Plan
from zoo.predict.steps import (
    Answer,
    Prepared,
    batches,
    finish,
    prepare,
)
from zoo.results import Failure, Result

if TYPE_CHECKING:
    from zoo.picture.sources import Source

_log = logging.getLogger("zoo.predict.run")

# Two threads keep up with the fastest models on JPEG files; more would take cores from the engine.
_READERS = 2
# A run this long opens streams: by then it has taken about as long as opening them does.
_MANY = 8
# Features of larger inputs are not to be held once a stream; pixels of a batch.
_LARGEST = 1 << 22

_Segmented = Sequence[Result | Failure]


class Run:
    """One call of `Model.predict`.

    Args:
        plan: What becomes of every picture.
        options: How they are read and batched, and what happens to those that cannot be.
        streams: The engine; the main session is used in the thread that iterates.
        device: The device the engine runs on.
    """

    def __init__(self, plan: Plan, options: RunOptions, streams: Streams, device: str) -> None:
        self._plan = plan
        self._options = options
        self._streams = streams
        self._session = streams.main
        self._device = device
        self._sizer = BatchSizer(options.batch_size)
        # What a batch takes says little while others run.
        self._may_stream = streams.count > 1 and options.batch_size != "auto" and not options.live
        self._run_so_far = 0
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
        prepared = ahead(found, partial(prepare, plan=self._plan), waiting, _READERS)
        with ThreadPoolExecutor(self._streams.count, thread_name_prefix="zoo-stream") as pool:
            yield from in_batches(prepared, _shape, partial(self._start, pool), self._alone, self._sizer)

    def _start(self, pool: ThreadPoolExecutor, batch: Sequence[Prepared | Failure]) -> Begun[Result | Failure]:
        """Runs a batch here, or starts it in a stream once there are many."""
        prepared = [item for item in batch if isinstance(item, Prepared)]
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

    def _without_streams(self, prepared: Sequence[Prepared], why: ZooError) -> _Segmented:
        """Goes on with the main session, which has other settings to fall back to, and needs less memory alone."""
        if self._streams.closed:
            raise why
        if self._may_stream:
            self._may_stream = False
            _log.warning("a stream failed; the run goes on without streams: %s", why.message)
        return self._attempt(prepared)

    def _attempt(self, prepared: Sequence[Prepared]) -> _Segmented:
        """Runs a batch on the main session; with `on_error="skip"` a picture that fails there is a failure."""
        try:
            return self._segment(prepared, _stacked(prepared), self._session)
        except InferenceError as error:
            if self._options.on_error == "raise":
                raise
            if len(prepared) > 1:
                return [outcome for item in prepared for outcome in self._attempt([item])]
            return [Failure(prepared[0].name, prepared[0].uri, error)]

    def _segment(self, prepared: Sequence[Prepared], tensor: NDArray[np.float32], session: Session) -> _Segmented:
        answer = _answer(session, tensor)
        count = len(prepared)
        self._sizer.ran(_shape(prepared[0]), count, answer.seconds)
        return [
            finish(
                item,
                [Answer(answer.output[place : place + 1], answer.engine, answer.seconds / count)],
                self._plan,
                self._device,
            )
            for place, item in enumerate(prepared)
        ]

    def _alone(self, item: Prepared | Failure) -> Result | Failure:
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

    def _in_parts(self, item: Prepared) -> Result:
        answers = (_answer(self._session, batch) for batch in batches(item, self._plan))
        return finish(item, answers, self._plan, self._device)


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


def _stacked(prepared: Sequence[Prepared]) -> NDArray[np.float32]:
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


def _shape(item: Prepared | Failure) -> tuple[int, ...] | None:
    return item.tensor.shape if isinstance(item, Prepared) and item.tensor is not None else None


def _answer(session: Session, batch: NDArray[np.float32]) -> Answer:
    began = time.perf_counter()
    output = session.run(batch)
    return Answer(output, session.engine, time.perf_counter() - began)

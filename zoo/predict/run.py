"""A run: pictures are prepared ahead, given to the engine in batches, and become results in their order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.base.pending import Pending, wait_for
from zoo.engine.engine import Answer, Engine
from zoo.errors import InferenceError, ZooError
from zoo.picture.sources import Input
from zoo.predict.arguments import RunOptions
from zoo.predict.batches import BatchSizer, in_batches
from zoo.predict.plan import Plan
from zoo.predict.steps import Prepared, batches, finish, prepare
from zoo.results import Failure, Result

_log = logging.getLogger("zoo.predict.run")

# Two threads keep up with the fastest models on JPEG files; more would take cores from the engine.
_READERS = 2


class Run:
    """One run over many pictures. It keeps their order, and how many are on their way; the engine does the rest.

    Args:
        plan: What becomes of every picture.
        options: How they are batched, and what happens to those that fail.
        engine: What runs them.
    """

    def __init__(self, plan: Plan, options: RunOptions, engine: Engine) -> None:
        self._plan = plan
        self._skips = options.on_error == "skip"
        self._live = options.live
        self._engine = engine
        self._sizer = BatchSizer(options.batch_size)
        self._submitted: list[Pending[Answer]] = []
        self._ended: SimpleQueue[None] = SimpleQueue()
        if engine.asked and options.batch_size == "auto":
            _log.warning("batch_size is auto: the batches run one after the other, without streams")

    def results(self, found: Iterable[Input]) -> Generator[Result | Failure, None, None]:
        """Yields a result an input, in order; with `on_error="skip"` failures in their place.

        A few inputs are read ahead of the one that is asked for.
        """
        waiting = 1 if self._live else max(4, self._sizer.largest)
        prepared = ahead(found, partial(prepare, plan=self._plan), waiting, _READERS)
        try:
            yield from in_batches(prepared, _shape, self._start, self._alone, self._sizer)
        finally:
            for submitted in self._submitted:
                submitted.cancel()

    def _start(self, batch: Sequence[Prepared | Failure]) -> _Batch:
        """Submits a batch, once there are not too many on their way."""
        prepared = [item for item in batch if isinstance(item, Prepared)]
        # A live source waits for each answer, and what a batch takes says little while others run.
        most = 1 if self._live or self._sizer.wanted == "auto" else self._engine.width + 1
        while len(self._on_their_way()) >= most:
            wait_for(self._ended)
        answer = self._engine.submit(_stacked(prepared), self._ended)
        self._submitted.append(answer)
        if most == 1:
            answer.wait()
        return _Batch(answer, partial(self._finished, prepared, answer))

    def _on_their_way(self) -> list[Pending[Answer]]:
        self._submitted = [answer for answer in self._submitted if not answer.done()]
        return self._submitted

    def _finished(self, prepared: Sequence[Prepared], pending: Pending[Answer]) -> list[Result | Failure]:
        try:
            answer = pending.result()
        except InferenceError as error:
            if self._skips and len(prepared) > 1:
                # Perhaps only one of them cannot be run.
                return [result for item in prepared for result in self._finished([item], self._submit(item))]
            return [self._failed(prepared[0], error)]
        count = len(prepared)
        self._sizer.ran(_shape(prepared[0]), count, answer.seconds)
        shares = [
            Answer(answer.output[place : place + 1], answer.facts, answer.seconds / count) for place in range(count)
        ]
        return [self._finish(item, [share]) for item, share in zip(prepared, shares, strict=True)]

    def _submit(self, item: Prepared) -> Pending[Answer]:
        return self._engine.submit(_stacked([item]))

    def _alone(self, item: Prepared | Failure) -> Result | Failure:
        """Makes the result of a picture that is no single input, or of one that cannot be read."""
        if isinstance(item, Failure):
            return self._failed(item, item.error)
        with closing(answers_in_order(self._engine, batches(item, self._plan))) as answers:
            return self._finish(item, answers)

    def _finish(self, item: Prepared, answers: Iterable[Answer]) -> Result | Failure:
        try:
            return finish(item, answers, self._plan)
        except InferenceError as error:
            return self._failed(item, error)

    def _failed(self, item: Prepared | Failure, error: ZooError) -> Failure:
        if isinstance(error, InferenceError):
            # An engine does not know which picture it was. What came as an array has no address but a digest.
            name = item.name if item.uri.startswith(f"{item.name}#") else item.uri
            named = InferenceError("{name}: {reason}", error.hint, name=name, reason=error.message)
            named.__cause__ = error
            error = named
        if not self._skips:
            raise error
        return Failure(item.name, item.uri, error)


def answers_in_order(engine: Engine, inputs: Iterable[NDArray[np.float32]]) -> Generator[Answer, None, None]:
    """Runs batches, as many at a time as the engine can, and one more that waits.

    Args:
        engine: What runs them.
        inputs: Batches (N, 3, h, w) float32, taken as they are needed.

    Yields:
        An answer for each, in their order.

    Raises:
        InferenceError: The engine failed, at the place of the batch.
    """
    pending: deque[Pending[Answer]] = deque()
    try:
        for batch in inputs:
            pending.append(engine.submit(batch))
            if len(pending) > engine.width:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for answer in pending:
            answer.cancel()


def raw_answers(
    engine: Engine, found: Iterable[Input], plan: Plan
) -> Generator[tuple[Prepared | Failure, list[Answer]], None, None]:
    """Runs inputs and makes no masks of them: for callers that look at what the program returned.

    Args:
        engine: What runs them.
        found: The inputs; a few are read ahead.
        plan: What is run of each.

    Yields:
        Each picture, in order, with an answer for each of its `batches`; or a failure with none.
    """
    pending: deque[tuple[Prepared, Pending[Answer]]] = deque()
    prepared = ahead(found, partial(prepare, plan=plan), engine.width + _READERS + 1, _READERS)
    try:
        for item in prepared:
            if isinstance(item, Prepared) and item.tensor is not None:
                pending.append((item, engine.submit(item.tensor[np.newaxis])))
            while pending and (len(pending) > engine.width or item is not pending[-1][0]):
                yield _answered(*pending.popleft())
            if isinstance(item, Failure):
                yield item, []
            elif item.tensor is None:
                try:
                    yield item, list(answers_in_order(engine, batches(item, plan)))
                except InferenceError as error:
                    yield Failure(item.name, item.uri, error), []
        while pending:
            yield _answered(*pending.popleft())
    finally:
        for _, answer in pending:
            answer.cancel()


def _answered(item: Prepared, pending: Pending[Answer]) -> tuple[Prepared | Failure, list[Answer]]:
    try:
        return item, [pending.result()]
    except InferenceError as error:
        return Failure(item.name, item.uri, error), []


class _Batch:
    """A batch on its way. Its results are made once, in the thread that asks for them."""

    def __init__(self, answer: Pending[Answer], finished: Callable[[], list[Result | Failure]]) -> None:
        self._answer, self._finished = answer, finished
        self._results: list[Result | Failure] | None = None

    def done(self) -> bool:
        return self._answer.done()

    def result(self) -> list[Result | Failure]:
        if self._results is None:
            self._results = self._finished()
        return self._results


def _stacked(prepared: Sequence[Prepared]) -> NDArray[np.float32]:
    tensors = [item.tensor for item in prepared if item.tensor is not None]
    return np.stack(tensors) if len(tensors) > 1 else tensors[0][np.newaxis]


def _shape(item: Prepared | Failure) -> tuple[int, ...] | None:
    return item.tensor.shape if isinstance(item, Prepared) and item.tensor is not None else None

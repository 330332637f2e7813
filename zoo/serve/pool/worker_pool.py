"""The workers and the queue before them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from zoo.errors import ServeError, ZooError
from zoo.serve.exchange import Asked, Loaded, WorkerOrder
from zoo.serve.pool.excuses import (
    being_stopped,
    busy,
    died_twice,
    given_up,
    no_memory,
    ran_too_long,
    waited_too_long,
)
from zoo.serve.pool.waiting import Given, PoolOptions, Slot, Waiting, Watcher, WorkerStatus
from zoo.serve.pool.worker_link import WorkerDiedError, WorkerLink
from zoo.serve.refusal import RefusedError

_log = logging.getLogger("zoo.serve")

# A worker that ended so often in a row is not started again.
MOST_DEATHS = 5
# Seconds before a worker is started again: none for the first time, then doubled.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
# Seconds after which an end is no end in a row.
_CALM = 60.0
# Seconds that opening models may take; an engine may be tried first.
_OPENING = 900.0
_ATTEMPTS = 2


class Pool:
    """The workers.

    Args:
        order: What they open.
        options: How they work.
        watcher: Is told what happens.
    """

    def __init__(self, order: WorkerOrder, options: PoolOptions, watcher: Watcher) -> None:
        self._order, self._options, self._watcher = order, options, watcher
        self._waiting: deque[Waiting] = deque()
        self._slots = [Slot() for _ in range(options.workers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._mean, self._fatal = 0.1, False
        self._digests = dict(order.digests)
        self.began: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Starts the workers; `began` is there when the first has opened its models, or none can."""
        self._tasks = [asyncio.create_task(self._keep(slot)) for slot in self._slots]

    @property
    def statuses(self) -> list[WorkerStatus]:
        """What each worker does."""
        return [slot.status for slot in self._slots]

    @property
    def failed(self) -> bool:
        """Whether every worker was given up."""
        return all(slot.status == "failed" for slot in self._slots)

    @property
    def ready(self) -> bool:
        """Whether a worker takes requests."""
        return any(slot.status in ("idle", "busy") for slot in self._slots)

    @property
    def length(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def processes(self) -> list[int]:
        """The processes of the workers."""
        return [slot.link.process_id for slot in self._slots if slot.link is not None and not slot.link.ended]

    def holders(self, model: str) -> list[Loaded]:
        """Returns what the workers that hold a model say of it."""
        return [slot.loaded[model] for slot in self._slots if model in slot.loaded]

    def check_room(self) -> None:
        """Refuses a request that would not be taken.

        Raises:
            RefusedError: The queue is full, or every worker was given up.
        """
        if self.failed:
            raise given_up(MOST_DEATHS)
        if len(self._waiting) >= max(1, self._options.queue):
            seconds = max(1, round(self._mean * len(self._waiting) / len(self._slots)))
            raise busy(len(self._waiting), seconds)

    async def ask(self, asked: Asked, body: bytes | bytearray) -> Given:
        """Has a request answered. Cancelling takes it back while it waits.

        Raises:
            RefusedError: There is no room, or it waited or ran too long, or its worker ended twice.
        """
        self.check_room()
        loop = asyncio.get_running_loop()
        waiting = Waiting(asked, body, loop.create_future(), time.monotonic())
        self._waiting.append(waiting)
        self._pump()
        late = loop.call_later(self._options.timeout, self._too_late, waiting)
        try:
            return await waiting.given
        finally:
            late.cancel()
            self._forget(waiting)

    def _too_late(self, waiting: Waiting) -> None:
        # One that runs has a limit of its own.
        if waiting in self._waiting and not waiting.given.done():
            waiting.given.set_exception(waited_too_long(self._options.timeout))

    def _forget(self, waiting: Waiting) -> None:
        # Looked for first: the error of `remove` holds the text of all of it, body and all.
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _pump(self) -> None:
        """Gives requests that wait to workers that do not."""
        for first in list(self._waiting):
            idle = [slot for slot in self._slots if slot.offer is not None and not slot.offer.done()]
            if not idle:
                return
            if first not in self._waiting:
                continue  # it went with an earlier one
            batch = [first]
            if not first.attempts:  # else it may be what ended its worker
                batch = [one for one in self._waiting if one.asked.model == first.asked.model and not one.attempts]
                batch = batch[: self._options.max_batch]
            left = first.since + self._options.max_wait - time.monotonic()
            if len(batch) < self._options.max_batch and left > 0 and not first.attempts:
                asyncio.get_running_loop().call_later(left, self._pump)
                continue
            slot = next((slot for slot in idle if first.asked.model in slot.loaded), idle[0])
            assert slot.offer is not None
            for one in batch:
                self._waiting.remove(one)
            slot.offer.set_result(batch)

    async def _keep(self, slot: Slot) -> None:
        """Keeps a worker in a slot until it has died too often."""
        while slot.deaths < MOST_DEATHS:
            if slot.deaths > 1:
                await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (slot.deaths - 2)))
            began = time.monotonic()
            try:
                await self._begin(slot)
                while True:
                    await self._serve(slot)
            except (WorkerDiedError, ZooError, MemoryError, OSError) as error:
                slot.deaths = 1 if time.monotonic() - began > _CALM else slot.deaths + 1
                if not self._fatal:  # which whoever starts the server is told
                    _log.error("a worker ended (%s), %d in a row", error, slot.deaths)
            except _OverTimeError:
                _log.error("a worker took longer than %g s and was ended", self._options.timeout)
            self._watcher.died()
            slot.status, slot.loaded = "restarting", {}
            await self._end(slot)
        slot.status = "failed"
        if self.failed:
            _log.error("every worker was given up")
            for waiting in list(self._waiting):
                with contextlib.suppress(asyncio.InvalidStateError):
                    waiting.given.set_exception(given_up(MOST_DEATHS))
            if not self.began.done():
                self.began.set_exception(ServeError("No worker could be started.", "Run: zoo doctor --model MODEL"))

    async def _begin(self, slot: Slot) -> None:
        """Starts a worker, and waits until it has opened its models."""
        order = replace(self._order, digests=dict(self._digests))
        slot.link = WorkerLink(order, self._options.threads)
        reply = await asyncio.wait_for(slot.link.begun(), _OPENING)
        if reply.error is not None:
            if not self.began.done():
                self._fatal = True
                self.began.set_exception(reply.error)
            raise reply.error
        self._note(slot, reply.state.loaded)
        if not self.began.done():
            self.began.set_result(None)

    def _note(self, slot: Slot, loaded: Mapping[str, Loaded]) -> None:
        slot.loaded = loaded
        for name, each in loaded.items():
            self._digests.setdefault(name, each.digest)

    async def _serve(self, slot: Slot) -> None:
        """Has a worker answer the next requests."""
        slot.offer = asyncio.get_running_loop().create_future()
        slot.status = "idle"
        self._pump()
        try:
            batch = await self._offered(slot)
        finally:
            slot.offer = None
        slot.status = "busy"
        try:
            await self._answer(slot, [one for one in batch if not one.given.done()])
        except WorkerDiedError as error:
            self._again(batch, error)
            raise
        except _OverTimeError:
            self._fail(batch, ran_too_long(self._options.timeout))
            raise
        except MemoryError:
            self._fail(batch, no_memory())
        except asyncio.CancelledError:
            self._fail(batch, being_stopped())
            raise

    async def _offered(self, slot: Slot) -> list[Waiting]:
        """Waits for requests, and for the end of a worker that is killed while it has none."""
        assert slot.offer is not None
        assert slot.link is not None
        gone = asyncio.create_task(slot.link.gone())
        try:
            await asyncio.wait({slot.offer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not slot.offer.done():
                slot.offer.cancel()
                gone.result()
            return slot.offer.result()
        finally:
            gone.cancel()
            # It stops listening before the answer is listened for.
            await asyncio.wait({gone})

    async def _answer(self, slot: Slot, batch: Sequence[Waiting]) -> None:
        assert slot.link is not None
        if not batch:
            return
        now = time.monotonic()
        for one in batch:
            one.attempts += 1
            one.waited = now - one.since
            self._watcher.waited(one.waited)
        model = batch[0].asked.model
        limit = self._options.timeout + (0 if model in slot.loaded else _OPENING)
        try:
            reply, contents = await asyncio.wait_for(
                slot.link.ask([one.asked for one in batch], [one.body for one in batch]), limit
            )
        except asyncio.TimeoutError:
            slot.link.kill()
            raise _OverTimeError from None
        slot.deaths = 0
        self._note(slot, reply.state.loaded)
        self._watcher.ran(len(batch))
        self._mean += 0.1 * ((time.monotonic() - now) / len(batch) - self._mean)
        for one, outcome, content in zip(batch, reply.outcomes, contents, strict=True):
            if not one.given.done():
                one.given.set_result(Given(outcome, content, one.waited))

    def _again(self, batch: Sequence[Waiting], error: WorkerDiedError) -> None:
        """Lets requests whose worker ended run once more, each alone."""
        for one in reversed(batch):
            if one.given.done():
                continue
            if one.attempts < _ATTEMPTS:
                self._waiting.appendleft(one)
            else:
                one.given.set_exception(died_twice(str(error)))
        self._pump()

    def _fail(self, batch: Sequence[Waiting], refusal: RefusedError) -> None:
        for one in batch:
            if not one.given.done():
                one.given.set_exception(refusal)

    async def _end(self, slot: Slot) -> None:
        if slot.link is not None:
            await slot.link.end()
            slot.link = None

    async def close(self) -> None:
        """Ends the workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(slot) for slot in self._slots))


class _OverTimeError(Exception):
    """A worker took too long."""

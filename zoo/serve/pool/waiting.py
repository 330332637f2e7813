"""What waits, and for which workers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from zoo.serve.exchange import Asked, Loaded, Outcome
from zoo.serve.pool.worker_link import WorkerLink


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How the pool works.

    Attributes:
        workers: Processes.
        threads: Threads of each.
        queue: Requests that wait at most.
        timeout: Seconds that a request may wait, and then run.
        max_batch: Requests that run together at most.
        max_wait: Seconds that a request waits for others to run with it.
    """

    workers: int
    threads: int
    queue: int
    timeout: float
    max_batch: int
    max_wait: float


class Watcher(Protocol):
    """Who is told what happens."""

    def waited(self, seconds: float) -> None:
        """A request begins to run."""

    def ran(self, count: int) -> None:
        """So many requests ran together."""

    def died(self) -> None:
        """A worker ended."""


class Given(NamedTuple):
    """What became of a request.

    Attributes:
        outcome: That.
        content: Of an answer.
        waited: Seconds in the queue.
    """

    outcome: Outcome
    content: bytes
    waited: float


@dataclass(eq=False)
class Waiting:
    """A request on its way.

    Attributes:
        asked: What is asked.
        body: Its body.
        given: What becomes of it.
        since: When it came, of `time.monotonic`.
        attempts: How often it was given to a worker.
        waited: Seconds until a worker had it.
    """

    asked: Asked
    body: bytes | bytearray = field(repr=False)
    given: asyncio.Future[Given]
    since: float
    attempts: int = 0
    waited: float = 0.0


WorkerStatus = Literal["loading", "idle", "busy", "restarting", "failed"]


@dataclass(eq=False)
class Slot:
    """A place for a worker, which is taken by one after the other.

    Attributes:
        status: What the worker does.
        deaths: How many ended in a row.
        link: The worker.
        loaded: The models it holds.
        offer: Gets the next requests; None while it is not idle.
    """

    status: WorkerStatus = "loading"
    deaths: int = 0
    link: WorkerLink | None = None
    loaded: Mapping[str, Loaded] = field(default_factory=dict[str, Loaded])
    offer: asyncio.Future[list[Waiting]] | None = None

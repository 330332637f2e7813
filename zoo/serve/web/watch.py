"""What a server is watched by: counts and times in the form of Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from zoo.serve.memory_use import resident_bytes

if TYPE_CHECKING:
    from zoo.serve.pool.worker_pool import Pool

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
_COUNTS = (1, 2, 4, 8, 16, 32)


class Watch(Collector):
    """The counts of one server; a `zoo.serve.pool.waiting.Watcher`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "zoo_requests", "Requests by route and status.", ["route", "status"], registry=registry
        )
        self._latency = Histogram(
            "zoo_request_seconds", "From the request to its answer.", ["route"], registry=registry, buckets=_SECONDS
        )
        self._queue = Histogram("zoo_queue_seconds", "Time in the queue.", registry=registry, buckets=_SECONDS)
        self._stages = Histogram(
            "zoo_stage_seconds", "Time of each stage.", ["stage"], registry=registry, buckets=_SECONDS
        )
        self._batches = Histogram("zoo_batch_size", "Requests run together.", registry=registry, buckets=_COUNTS)
        self._deaths = Counter("zoo_worker_restarts", "Workers that ended and were replaced.", registry=registry)
        self._pool: Pool | None = None
        registry.register(self)

    def look_at(self, pool: Pool) -> None:
        """Says whose queue and workers are told."""
        self._pool = pool

    def waited(self, seconds: float) -> None:
        """Counts the time of a request in the queue."""
        self._queue.observe(seconds)

    def ran(self, count: int) -> None:
        """Counts a batch."""
        self._batches.observe(count)

    def died(self) -> None:
        """Counts the end of a worker."""
        self._deaths.inc()

    def answered(self, route: str, status: int, seconds: float, stages: Mapping[str, float]) -> None:
        """Counts a request.

        Args:
            route: The route's pattern, never the path of the client.
            status: HTTP status of the answer.
            seconds: How long it took.
            stages: Time of each stage.
        """
        self._requests.labels(route, str(status)).inc()
        self._latency.labels(route).observe(seconds)
        for stage, each in stages.items():
            self._stages.labels(stage).observe(each)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields what is looked up when it is asked for."""
        pool = self._pool
        if pool is None:
            return
        yield GaugeMetricFamily("zoo_queue_length", "Requests that wait.", value=pool.length)
        workers = GaugeMetricFamily("zoo_workers", "Workers by what they do.", labels=["status"])
        for status in ("loading", "idle", "busy", "restarting", "failed"):
            workers.add_metric([status], pool.statuses.count(status))
        yield workers
        memory = GaugeMetricFamily("zoo_resident_bytes", "Memory of the processes.", labels=["process"])
        memory.add_metric(["front"], resident_bytes(os.getpid()))
        memory.add_metric(["workers"], sum(map(resident_bytes, pool.processes)))
        yield memory

    def text(self) -> bytes:
        """Returns all of it."""
        return generate_latest(self._registry)

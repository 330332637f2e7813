"""The parts of a server put together, whoever listens for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.types import ASGIApp

from zoo.engine.device import available_cores
from zoo.serve.exchange import WorkerOrder
from zoo.serve.page.assets import page_paths
from zoo.serve.pool.waiting import PoolOptions
from zoo.serve.pool.worker_pool import Pool
from zoo.serve.served import Served
from zoo.serve.server_options import ServerOptions
from zoo.serve.web.app import make_app
from zoo.serve.web.body import Bodies
from zoo.serve.web.doors import Doors
from zoo.serve.web.fetching import fetcher
from zoo.serve.web.service import Service
from zoo.serve.web.watch import Watch

_log = logging.getLogger("zoo.serve")


@dataclass(frozen=True, eq=False, slots=True)
class Assembled:
    """A server without a socket.

    Attributes:
        app: What answers requests, once the pool has begun.
        pool: The processes that do the work; not started yet.
        service: What the routes ask.
        memory: Bytes that models may take in one process; None for no limit.
    """

    app: ASGIApp
    pool: Pool
    service: Service
    memory: int | None


def assemble(models: Mapping[str, Served], options: ServerOptions) -> Assembled:
    """Puts a server together.

    Args:
        models: What it serves, by name.
        options: How; where to listen is the caller's.
    """
    watch = Watch()
    pool_options = _pool_options(models, options)
    order = _order(models, options, pool_options)
    pool = Pool(order, pool_options, watch)
    watch.look_at(pool)
    bodies = Bodies(options.max_body, options.max_body * (pool_options.queue + pool_options.workers + 4))
    service = Service(models, pool, bodies, watch, fetcher(options.allow_urls, options.max_body))
    app = make_app(service, Doors(options.key, options.host, options.allow_origins, page_paths()))
    return Assembled(app, pool, service, order.memory)


def _pool_options(models: Mapping[str, Served], options: ServerOptions) -> PoolOptions:
    cores = available_cores()
    on_processor = all(served.config.device == "cpu" for served in models.values())
    workers = options.workers or (cores if on_processor else 1)
    threads = options.threads or max(1, cores // workers)
    queue = 8 * workers if options.queue is None else options.queue
    return PoolOptions(workers, threads, queue, options.timeout, options.max_batch, options.max_wait)


def _order(models: Mapping[str, Served], options: ServerOptions, pool: PoolOptions) -> WorkerOrder:
    configs = {name: replace(served.config, threads=pool.threads, streams=1) for name, served in models.items()}
    memory = None if options.memory is None else options.memory // pool.workers
    return WorkerOrder(configs, {}, options.offline, options.lock, memory, options.max_body)


def tell_memory(pool: Pool, models: Mapping[str, Served], limit: int | None) -> None:
    """Logs which of the models that are open takes more than there is for all.

    Args:
        pool: The processes that opened them.
        models: What is served.
        limit: Bytes of one process; None for no limit.
    """
    if limit is None:
        return
    # A model that is too large alone is served all the same: there is no answer without it.
    for name in models:
        for held in pool.holders(name)[:1]:
            if held.memory > limit:
                _log.warning("%s takes %d bytes of a worker, which --memory leaves %d", name, held.memory, limit)

"""A server from its beginning to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from types import FrameType

import uvicorn

from zoo.engine.device import available_cores
from zoo.errors import ServeError
from zoo.message import Message
from zoo.serve.exchange import WorkerOrder
from zoo.serve.page.assets import page_paths
from zoo.serve.pool.waiting import PoolOptions
from zoo.serve.pool.worker_pool import Pool
from zoo.serve.self_check import check_models
from zoo.serve.served import Served
from zoo.serve.server_options import ServerOptions
from zoo.serve.web.app import make_app
from zoo.serve.web.body import Bodies
from zoo.serve.web.doors import Doors
from zoo.serve.web.fetching import fetcher
from zoo.serve.web.service import Service
from zoo.serve.web.slow_clients import GuardedProtocol
from zoo.serve.web.watch import Watch

_log = logging.getLogger("zoo.serve")

_IDLE_SECONDS = 15
_MOST_CONNECTIONS = 2000
_BACKLOG = 1024


def run_server(
    models: Mapping[str, Served],
    options: ServerOptions,
    told: Callable[[str], None],
    checked: Callable[[Message], None] | None = None,
) -> bool:
    """Runs a server until it is stopped by SIGTERM or SIGINT; a second one ends the process at once.

    Args:
        models: What it serves, by name.
        options: How.
        told: Called with its address when it takes requests.
        checked: Only have each model segment one picture, and call this with what came of it.

    Returns:
        Whether every request that ran was answered.

    Raises:
        ServeError: It cannot listen there.
        ZooError: A model cannot be opened.
    """
    listening = _listen(options.host, options.port)
    with listening:
        return asyncio.run(_run(models, options, listening, told, checked))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unusable(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise _unusable(host, port, error) from error
    return listening


def _unusable(host: str, port: int, error: OSError) -> ServeError:
    return ServeError(
        "The server cannot listen on {host}, port {port}: {reason}.",
        "Choose another one: --port 8081",
        host=host,
        port=port,
        reason=error.strerror or error,
    )


async def _run(
    models: Mapping[str, Served],
    options: ServerOptions,
    listening: socket.socket,
    told: Callable[[str], None],
    checked: Callable[[Message], None] | None,
) -> bool:
    watch = Watch()
    pool_options = _pool_options(models, options)
    order = _order(models, options, pool_options)
    pool = Pool(order, pool_options, watch)
    watch.look_at(pool)
    bodies = Bodies(options.max_body, options.max_body * (pool_options.queue + pool_options.workers + 4))
    service = Service(models, pool, bodies, watch, fetcher(options.allow_urls, options.max_body))
    app = make_app(service, Doors(options.key, options.host, options.allow_origins, page_paths()))
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(options.grace)),
    )
    server = _Server(config, service)
    # What it says of requests is said by our own log.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    pool.start()

    async def begin() -> None:
        try:
            await asyncio.wait({pool.began})
            pool.began.result()
            _tell_memory(pool, models, order.memory)
            host, port = listening.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            told(url)
            if checked is not None:
                await asyncio.to_thread(check_models, url, models, options.key, checked)
        except BaseException:
            server.should_exit = True
            raise
        server.should_exit = server.should_exit or checked is not None

    begun = asyncio.create_task(begin())
    try:
        await server.serve(sockets=[listening])
    finally:
        begun.cancel()
        await asyncio.wait({begun})
        await pool.close()
    if not begun.cancelled():
        # What is wrong with the models, if anything.
        begun.result()
    return not server.cut


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


def _tell_memory(pool: Pool, models: Mapping[str, Served], limit: int | None) -> None:
    if limit is None:
        return
    # A model that is too large alone is served all the same: there is no answer without it.
    for name in models:
        for held in pool.holders(name)[:1]:
            if held.memory > limit:
                _log.warning("%s takes %d bytes of a worker, which --memory leaves %d", name, held.memory, limit)


class _Server(uvicorn.Server):
    """uvicorn's server, which is stopped by signals as zoo's commands are.

    Attributes:
        cut: Whether requests that ran were cut off.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self.cut = False

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Answers SIGTERM and SIGINT as long as the server runs."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.should_exit:
            # The workers end with this process.
            os._exit(128 + number)
        self.should_exit = True
        self._service.draining = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more requests, and waits for those that run."""
        self._service.draining = True
        await super().shutdown(sockets)
        self.cut = bool(self.server_state.tasks)

"""A server from its beginning to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from types import FrameType

import uvicorn

from zoo.errors import ServeError
from zoo.message import Message
from zoo.serve.assemble import assemble, tell_memory
from zoo.serve.self_check import check_models
from zoo.serve.served import Served
from zoo.serve.server_options import ServerOptions
from zoo.serve.web.service import Service
from zoo.serve.web.slow_clients import GuardedProtocol

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
    assembled = assemble(models, options)
    pool, service = assembled.pool, assembled.service
    config = uvicorn.Config(
        assembled.app,
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
            tell_memory(pool, models, assembled.memory)
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

"""The HTTP interface of `zoo serve` in Ray Serve: `serve run zoo.distributed.serving:app model=starter`.

Each replica is a whole server without a socket: its front takes what the proxy of Ray passes on, and a process of its
own does the work, so a picture that ends that process does not end the replica. Ray decides how many there are.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from zoo.distributed.ray_package import import_ray
from zoo.errors import ConfigError
from zoo.predict.pipeline import PipelineConfig
from zoo.serve.assemble import Assembled, assemble
from zoo.serve.served import find_served
from zoo.serve.server_options import KEY_VARIABLE, ServerOptions

# What Ray decides, and what is read from the environment of the replicas: a key in a file of settings would be shown.
_NOT_HERE = ("host", "port", "key", "grace", "log_format")
# Requests of a replica at the same time: one that runs, and those that wait in its queue.
_ONGOING = 9


def app(arguments: Mapping[str, Any]) -> Any:
    """Returns the application that `serve run` and `serve deploy` start.

    Args:
        arguments: `models`, a list or a comma list of names as `zoo serve` takes them, or `model`, one; options of
            `zoo serve` by their Python names, such as `queue`, `timeout` and `max_body`; and options of a pipeline.
            `workers` are the processes of a replica, by default 1. The key of clients is in the variable ZOO_API_KEY.

    Raises:
        ConfigError: There is no such argument.
        ZooError: A model cannot be found, or an option has a value that is not possible.
    """
    serve = import_ray("serve")
    names, config, options = _read(arguments)
    find_served(names, config, offline=options.offline)  # what is wrong is told before any replica begins

    def build() -> ASGIApp:
        return _Replica(names, config, options)

    cpus = (options.workers or 1) * (options.threads or 1)
    deployment = serve.deployment(
        serve.ingress(build)(),
        name="zoo",
        max_ongoing_requests=_ONGOING * (options.workers or 1),
        ray_actor_options={"num_cpus": cpus},
    )
    return deployment.bind()


def _read(arguments: Mapping[str, Any]) -> tuple[list[str], PipelineConfig, ServerOptions]:
    given = dict(arguments)
    models = given.pop("models", None) or ([given.pop("model")] if "model" in given else [])
    names = models.split(",") if isinstance(models, str) else list(models)
    known = {field.name for field in fields(ServerOptions)} - set(_NOT_HERE)
    server: dict[str, Any] = {name: given.pop(name) for name in list(given) if name in known}
    for name in _NOT_HERE:
        if name in given:
            raise ConfigError(
                "`{name}` is decided by Ray Serve, not by zoo.",
                "Leave it out; see http_options in Ray's settings. The key is read from ZOO_API_KEY.",
                name=name,
            )
    for name in ("workers", "threads", "queue", "max_batch", "max_body", "memory"):
        if isinstance(server.get(name), str):  # a word of the command line
            server[name] = _number(name, server[name])
    if "timeout" in server:
        server["timeout"] = float(_number("timeout", server["timeout"]))
    config = PipelineConfig(names[0] if names else "starter").override(**given)
    own: dict[str, Any] = {"workers": 1, "threads": 1, **server}
    options = ServerOptions(**own, host="0.0.0.0", key=os.environ.get(KEY_VARIABLE, "").strip())
    return names, config, options


def _number(name: str, value: Any) -> int | float:
    try:
        return int(value) if float(value).is_integer() else float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "`{name}` is {value!r}. A number was expected.", "Correct it.", name=name, value=value
        ) from error


class _Replica:
    """A server without a socket, which begins and ends with the replica: by the ASGI events of its life."""

    def __init__(self, names: list[str], config: PipelineConfig, options: ServerOptions) -> None:
        self._models = find_served(names, config, offline=options.offline, lock=options.lock)
        self._options = options
        self._server: Assembled | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert self._server is not None, "requests come after the beginning"
        await self._server.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._server = assemble(self._models, self._options)
        self._server.pool.start()
        try:
            await asyncio.wait({self._server.pool.began})
            self._server.pool.began.result()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._server.service.draining = True
        await self._server.pool.close()
        await send({"type": "lifespan.shutdown.complete"})

"""What routes ask: the models, the workers, the limits; and the one way from a request to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from zoo.serve.exchange import Answered, Asked, Denied, FetchWanted, Way, Wish
from zoo.serve.pool.waiting import Given
from zoo.serve.pool.worker_pool import Pool
from zoo.serve.refusal import RefusedError, refusal_of
from zoo.serve.served import Served
from zoo.serve.web.body import Bodies
from zoo.serve.web.watch import Watch

#: Fetches the picture at an address.
Fetcher = Callable[[str], Awaitable[bytes]]


@dataclass(eq=False)
class Service:
    """What routes ask.

    Attributes:
        models: By name; the first is the one that is meant where none is named.
        pool: The workers.
        bodies: Limits of bodies.
        watch: Counts.
        fetch: Fetches pictures.
        draining: Whether the server is being stopped.
    """

    models: Mapping[str, Served]
    pool: Pool
    bodies: Bodies
    watch: Watch
    fetch: Fetcher
    draining: bool = False

    @property
    def default(self) -> str:
        """The first model."""
        return next(iter(self.models))

    def model(self, name: str) -> Served:
        """Returns a model.

        Raises:
            RefusedError: There is none of this name.
        """
        if name not in self.models:
            raise refusal_of(
                404,
                "There is no model {name!r:.80} here. Expected one of: {choices:, }.",
                "Ask /v1/models for them.",
                name=name,
                choices=list(self.models),
            )
        return self.models[name]

    async def answer(
        self,
        request: Request,
        way: Way,
        model: str,
        wish: Wish | None = None,
        *,
        encoding: str = "",
        json_bytes: int | None = None,
        zipped: bool = False,
    ) -> Response:
        """Answers a request with a picture in its body.

        Args:
            request: The request.
            way: How its body is to be understood.
            model: Name of the model.
            wish: What the answer is to hold.
            encoding: How its body is compressed.
            json_bytes: As in `Asked`.
            zipped: As in `Asked`.

        Raises:
            RefusedError: There is no answer.
            ClientDisconnect: There is nobody to be answered.
        """
        state = told(request)
        state.model = self.model(model).name
        self.pool.check_room()
        self.bodies.check_length(request)
        media_type = request.headers.get("content-type", "")[:300]
        asked = Asked(state.log_id, way, model, media_type, encoding, wish, json_bytes, zipped)
        body = await self.bodies.read(request)
        state.received = len(body)
        try:
            given = await self._ask(request, asked, body)
        finally:
            self.bodies.release(body)
        if isinstance(given.outcome, FetchWanted):
            wanted = given.outcome
            content = await self.fetch(wanted.url)
            asked = Asked(state.log_id, way, model, wish=wanted.wish)
            given = await self._ask(request, asked, content)
        if isinstance(given.outcome, Denied):
            raise RefusedError(given.outcome)
        answered = cast("Answered", given.outcome)
        state.stages = {"queue": given.waited, **answered.seconds}
        timing = ", ".join(f"{stage};dur={seconds * 1000:.2f}" for stage, seconds in state.stages.items())
        headers = {**dict(answered.headers), "Server-Timing": timing}
        return Response(given.content, headers=headers, media_type=answered.media_type)

    async def _ask(self, request: Request, asked: Asked, body: bytes | bytearray) -> Given:
        """Asks the workers, and takes the request back when the client goes away."""
        given = asyncio.ensure_future(self.pool.ask(asked, body))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({given, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not given.done():
                raise ClientDisconnect
            return given.result()
        finally:
            for task in (given, gone):
                task.cancel()
            await asyncio.gather(given, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


@dataclass(eq=False)
class Told:
    """What the log and the counts tell of a request.

    Attributes:
        log_id: Its UUID.
        model: Which it asked.
        received: Bytes of its body.
        stages: Time of each stage.
        error: What a route raised.
    """

    log_id: str
    model: str = ""
    received: int = 0
    stages: Mapping[str, float] = field(default_factory=dict[str, float])
    error: Exception | None = None


def told(request: Request) -> Told:
    """Returns what is told of a request."""
    return cast("Told", request.scope["state"]["told"])


def service_of(request: Request) -> Service:
    """Returns the service that a request came to."""
    return cast("Service", request.app.state.service)

"""What stands before all routes: the log id, the doors, errors as answers, the log and the counts."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.message import Message as Text
from zoo.message import described
from zoo.serve.exchange import Denied
from zoo.serve.refusal import LOOK, RefusedError, refusal_of
from zoo.serve.web.body import linger
from zoo.serve.web.doors import Doors, is_health
from zoo.serve.web.refusals import error_response
from zoo.serve.web.request_log import REQUESTS
from zoo.serve.web.service import Told
from zoo.serve.web.watch import Watch

_log = logging.getLogger(REQUESTS)
# What the log and the counts call what no route is for.
_NO_ROUTE = "-"
# nginx's word for a client that did not wait.
_CLIENT_GONE = 499


class Front:
    """The outermost part of the application.

    Args:
        app: The routes.
        doors: Who may ask.
        watch: Counts.
    """

    def __init__(self, app: ASGIApp, doors: Doors, watch: Watch) -> None:
        self._app, self._doors, self._watch = app, doors, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        talk = _Talk(scope, receive, send)
        told = Told(str(uuid.uuid4()))
        scope.setdefault("state", {})["told"] = told
        refusal, error = None, None
        try:
            self._doors.check(scope["method"], scope["path"], Headers(scope=scope))
            await self._app(scope, talk.receive, talk.sender(told.log_id))
            error = told.error
        except Exception as raised:
            error = raised
        if isinstance(error, ClientDisconnect):
            talk.status = talk.status or _CLIENT_GONE
        elif error is not None and not talk.status:
            refusal = _refusal(error)
            response = error_response(scope["path"], refusal, told.log_id)
            await _say(response, Request(scope, talk.receive), talk, told.log_id)
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        seconds = time.perf_counter() - began
        self._watch.answered(route, talk.status, seconds, told.stages)
        self._tell(scope, route, talk, told, seconds, refusal)

    def _tell(
        self, scope: Scope, route: str, talk: _Talk, told: Told, seconds: float, refusal: RefusedError | None
    ) -> None:
        client = scope.get("client") or ("", 0)
        fields = {
            "log_id": told.log_id,
            "client": client[0],
            "method": scope["method"],
            "route": route,
            "status": talk.status,
            "ms": round(seconds * 1000, 1),
            "received": told.received,
            "sent": talk.sent,
        }
        if told.model:
            fields["model"] = told.model
        fields |= {f"{stage}_ms": round(each * 1000, 1) for stage, each in told.stages.items()}
        if refusal is not None:
            fields |= {"error": refusal.denied.kind, "reason": refusal.denied.template}
            if refusal.denied.details:
                fields["details"] = refusal.denied.details
        level = logging.ERROR if talk.status >= 500 and talk.status != 503 else logging.INFO
        if is_health(scope["path"]):
            level = logging.DEBUG  # asked every few seconds
        _log.log(level, "request", extra={"fields": fields})


def _refusal(error: Exception) -> RefusedError:
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, HTTPException):
        headers = tuple((error.headers or {}).items())
        if error.status_code == 405:
            return refusal_of(405, "This path takes other methods.", "Look into /openapi.json.", headers)
        return refusal_of(error.status_code, "There is nothing at this path.", "Look into /openapi.json.", headers)
    logging.getLogger("zoo.serve").error("a route failed", exc_info=error)
    message = Text("The server failed on this request.")
    return RefusedError(Denied(500, type(error).__name__, message, LOOK, details=described(error)))


async def _say(response: Response, request: Request, talk: _Talk, log_id: str) -> None:
    """Sends an error; where a body is still on its way the connection ends after it."""
    if talk.whole:
        await response(request.scope, request.receive, talk.sender(log_id))
        return
    send = talk.sender(log_id)
    response.headers["Connection"] = "close"
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await linger(request)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Talk:
    """What was received and sent of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.status = 0
        self.sent = 0
        headers = Headers(scope=scope)
        self.whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        """Passes on what comes."""
        message = await self._receive()
        self.whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    def sender(self, log_id: str) -> Send:
        """Returns what passes on what goes, with the log id."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"log-id", log_id.encode("ascii"))]
            self.sent += len(message.get("body", b""))
            await self._send(message)

        return send

"""The body of a request, read within limits."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from zoo.serve.refusal import RefusedError, refusal_of

#: Seconds in which a body must be there.
BODY_SECONDS = 60.0
# Seconds, and bytes, that are read of the body of a request that was refused, so that its sender hears why.
_LINGER, _LINGERING = 2.0, 64 << 20


@dataclass(eq=False)
class Bodies:
    """All bodies that are being read or wait.

    Attributes:
        largest: Bytes of one.
        most: Bytes of all together.
        held: Bytes that there are now.
    """

    largest: int
    most: int
    held: int = 0

    def check_length(self, request: Request) -> None:
        """Looks at what a request says of its body, before it is read.

        Raises:
            RefusedError: It is too long, or its length is no number.
        """
        length = request.headers.get("content-length")
        if length is None:
            return
        if not re.fullmatch(r"\d{1,19}", length):
            raise refusal_of(400, "Content-Length is no number.", "Send the number of bytes.")
        if int(length) > self.largest:
            raise self._too_large()

    async def read(self, request: Request, seconds: float = BODY_SECONDS) -> bytearray:
        """Reads a body. `held` grows by its length, and the caller lets it go with `release`.

        Raises:
            RefusedError: It is too long, too slow, or there is no room.
            ClientDisconnect: The client went away.
        """
        body = bytearray()
        deadline = time.monotonic() + seconds
        try:
            while True:
                try:
                    message = await asyncio.wait_for(request.receive(), max(0.0, deadline - time.monotonic()))
                except asyncio.TimeoutError:
                    raise refusal_of(
                        408,
                        "The body was not there within {seconds:g} s: {count} bytes came.",
                        "Send it faster, or a smaller picture.",
                        seconds=seconds,
                        count=len(body),
                    ) from None
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                body += chunk
                self.held += len(chunk)
                if len(body) > self.largest:
                    raise self._too_large()
                if self.held > self.most:
                    raise refusal_of(
                        503, "The server is busy: it holds too many bodies.", "Try again.", (("Retry-After", "1"),)
                    )
                if not message.get("more_body", False):
                    return body
        except BaseException:
            self.release(body)
            raise

    def release(self, body: bytearray) -> None:
        """Lets a body go."""
        self.held -= len(body)

    def _too_large(self) -> RefusedError:
        return refusal_of(
            413,
            "The body has more than {limit} bytes.",
            "Send a smaller picture, or start the server with a larger --max-body.",
            limit=self.largest,
        )


async def linger(request: Request) -> None:
    """Reads on for a moment, so that whoever sends a body that nobody wants hears the answer and not a reset."""
    deadline, left = time.monotonic() + _LINGER, _LINGERING
    while left > 0 and (seconds := deadline - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(request.receive(), seconds)
        except asyncio.TimeoutError:
            return
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))

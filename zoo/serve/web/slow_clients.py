"""The HTTP of uvicorn with the limits of time it does not have."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the head of a request must be there, from its first byte or from the connection on.
HEADER_SECONDS = 10.0
#: Seconds that a client may leave an answer unread.
READING_SECONDS = 60.0

_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class GuardedProtocol(H11Protocol):
    """A connection that is cut when the head of a request comes too slowly, or an answer is not read."""

    header_timer: asyncio.TimerHandle | None = None
    reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_header()

    def data_received(self, data: bytes) -> None:
        """Takes bytes, and sees whether a head is whole now."""
        self._wait_for_header()
        super().data_received(data)
        self._see_header()

    def on_response_complete(self) -> None:
        """Goes on with what came meanwhile."""
        super().on_response_complete()
        self._see_header()

    def _see_header(self) -> None:
        # Between two requests nothing is waited for but the end of the idle connection, of which uvicorn takes care.
        idle = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE
        if idle and self.conn.trailing_data[0]:
            self._wait_for_header()
        else:
            self._stop(self.header_timer)
            self.header_timer = None

    def _wait_for_header(self) -> None:
        if self.header_timer is None and self.conn.their_state is h11.IDLE:
            self.header_timer = self.loop.call_later(HEADER_SECONDS, self._cut_late)

    def _cut_late(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            self.transport.write(_LATE)
        self.transport.close()

    def pause_writing(self) -> None:
        """Begins to wait until the client reads."""
        super().pause_writing()
        self.reading_timer = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._stop(self.reading_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        super().connection_lost(exc)
        self._stop(self.header_timer)
        self._stop(self.reading_timer)

    def _stop(self, timer: Any) -> None:
        if timer is not None:
            timer.cancel()

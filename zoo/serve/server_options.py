"""How a server is to work."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

#: Bytes of a body, and seconds of a request, unless told otherwise.
MAX_BODY, TIMEOUT, GRACE = 20_000_000, 120.0, 30.0


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is to work.

    Attributes:
        host: The address it listens on.
        port: The port; 0 for any that is free.
        workers: Processes; None for one a core.
        threads: Threads of each; None for the cores shared among them.
        queue: Requests that wait at most; None for 8 a worker.
        max_batch: Requests that run together at most.
        max_wait: Seconds that a request waits for others.
        max_body: Most bytes of a body.
        timeout: Seconds that a request waits at most, and runs at most.
        grace: Seconds for running requests when the server is stopped.
        memory: Bytes that models may take in all workers together; None for no limit.
        key: The key of clients; empty for none.
        allow_urls: Hosts whose pictures are fetched, HOST or HOST:PORT.
        allow_origins: Origins of other pages that may ask without a key.
        log_format: Lines for people, or JSON.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int | None = None
    threads: int | None = None
    queue: int | None = None
    max_batch: int = 1
    max_wait: float = 0.0
    max_body: int = MAX_BODY
    timeout: float = TIMEOUT
    grace: float = GRACE
    memory: int | None = None
    key: str = field(default="", repr=False)
    allow_urls: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    log_format: Literal["text", "json"] = "text"
    offline: bool | None = None
    lock: Path | None = None

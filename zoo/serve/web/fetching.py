"""Pictures at addresses, fetched where the server allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from zoo.errors import SourceError
from zoo.message import Message
from zoo.picture.sources import SourceOptions
from zoo.picture.sources.urls import fetch_picture
from zoo.serve.exchange import Denied
from zoo.serve.refusal import RefusedError, refusal_of
from zoo.store.download.pinned import PinnedAdapter, resolved

# Seconds for all of it.
_SECONDS = 15.0
# Pictures that are fetched at a time.
_THREADS = 4


def fetcher(allowed: Sequence[str], largest: int) -> Callable[[str], Awaitable[bytes]]:
    """Returns what fetches a picture.

    Args:
        allowed: Hosts, HOST or HOST:PORT; none to fetch nothing.
        largest: Most bytes of a picture.
    """
    if not allowed:
        return _none
    options = SourceOptions(url_bytes=largest, url_seconds=_SECONDS)
    threads = ThreadPoolExecutor(_THREADS, "zoo-fetch")
    places = asyncio.Semaphore(_THREADS)

    def fetch(url: str) -> bytes:
        # A connection is not kept: the next picture is looked at anew.
        return fetch_picture(url, options, Message("The address"), PinnedAdapter(allowed, resolved))

    async def fetched(url: str) -> bytes:
        if places.locked():
            raise refusal_of(
                503,
                "The server is busy: {count} pictures are being fetched already.",
                "Try again later.",
                (("Retry-After", "2"),),
                count=_THREADS,
            )
        async with places:
            try:
                return await asyncio.get_running_loop().run_in_executor(threads, fetch, url)
            except SourceError as error:
                raise RefusedError(Denied.of(422, error)) from error

    return fetched


async def _none(url: str) -> bytes:
    raise refusal_of(
        422,
        "The server fetches no pictures from addresses.",
        "Send the content of the picture in base64, or start the server with --allow-url HOST.",
    )

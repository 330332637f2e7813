"""Pictures at http and https addresses, fetched into memory."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from zoo.base.home import offline
from zoo.errors import FetchError, SourceError, UnsupportedSourceError
from zoo.message import Message
from zoo.picture.image import decode_picture
from zoo.picture.rgb import Picture
from zoo.picture.sources.content import HEAD_BYTES, content_frames, recognise
from zoo.picture.sources.item import Frame, Origin, held, input_name, refused
from zoo.picture.sources.options import SourceOptions
from zoo.store.download.addresses import shown_url
from zoo.store.download.answers import AddressError, Limits
from zoo.store.download.http import open_url

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

# Most seconds without a byte, and until there is a connection.
_SILENCE = 10.0
_HOPS = 10


def from_url(url: str, options: SourceOptions) -> Origin:
    """Makes the origin of an address: one picture, fetched when it is read.

    With `frames="all"` it is fetched when the walk comes to it, because only its content says how many pictures it is.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Nor can anybody tell where a password in it ends.
        return refused(
            Message("is an address that cannot be read."), Message("Check host and port."), SourceError, kind="url"
        )
    public = shown_url(url)
    return Origin("url", partial(_frames, url, options), input_name(unquote(parts.path)), public, public)


def fetch_picture(url: str, options: SourceOptions, name: str, adapter: HTTPAdapter | None = None) -> bytes:
    """Fetches what an address sends, into memory, following at most ten redirects and never from https to http.

    Args:
        url: The address.
        options: Most bytes and seconds.
        name: What error messages call it.
        adapter: As in `open_url`.

    Raises:
        SourceError: It cannot be had whole, is too much or too slow, or the network must not be used.
    """
    try:
        if offline():
            raise SourceError("{name} is an address, and ZOO_OFFLINE is set.", "Run: unset ZOO_OFFLINE", name=name)
    except FetchError as error:
        raise SourceError(error.message, error.hint) from error
    seconds = options.url_seconds
    limits = Limits(connect=min(_SILENCE, seconds), read=min(_SILENCE, seconds), hops=_HOPS)
    deadline = time.monotonic() + seconds
    content = bytearray()
    try:
        with open_url(url, limits, adapter=adapter) as answer:
            _check_length(answer.total or 0, options)
            for block in answer.blocks:
                content += block
                _check_length(len(content), options)
                if time.monotonic() > deadline:
                    raise AddressError(
                        Message("after {seconds:g} s only {count} bytes are here", seconds=seconds, count=len(content))
                    )
            if answer.total not in (None, len(content)):
                raise AddressError(
                    Message("it broke off after {count} of {total} bytes", count=len(content), total=answer.total)
                )
    except AddressError as error:
        raise SourceError(
            "{name} cannot be fetched: {reason}. A picture was expected.",
            error.hint or Message("Open the address in a browser, or download it and give the file's path."),
            name=name,
            reason=error.reason,
        ) from error
    return bytes(content)


def _check_length(length: int, options: SourceOptions) -> None:
    if length > options.url_bytes:
        raise AddressError(
            Message(
                "it has {length} bytes or more, and at most {limit} are taken",
                length=length,
                limit=options.url_bytes,
            ),
            hint=Message("Download it and give the file's path."),
        )


def _frames(url: str, options: SourceOptions, name: str) -> Iterator[Frame]:
    if options.frames == "first":
        yield Frame(partial(_read, url, options, name))
        return
    try:
        content = fetch_picture(url, options, name)
    except SourceError as error:
        yield held(error)
        return
    yield from content_frames(partial(io.BytesIO, content), options, name)


def _read(url: str, options: SourceOptions, name: str) -> Picture:
    content = fetch_picture(url, options, name)
    if (kind := recognise(content[:HEAD_BYTES])) not in ("picture", ""):
        raise UnsupportedSourceError(
            '{name} is a {kind}. Without frames="all" an address gives one picture.',
            'Pass frames="all", or download it and give the file\'s path.',
            name=name,
            kind=kind,
        )
    return decode_picture(io.BytesIO(content), name, options.pixel_limit, options.value_range)

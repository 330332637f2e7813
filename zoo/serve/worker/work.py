"""One round of a worker: requests in, outcomes out. What is wrong with one of them is no matter of the others."""

from __future__ import annotations

import gzip
import logging
import os
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from zoo.errors import (
    BundleError,
    ConfigError,
    DecodeError,
    InferenceError,
    OutputError,
    RequestError,
    SourceError,
    UnsupportedSourceError,
    ZooError,
)
from zoo.message import Message, described
from zoo.picture.image import most_pixels
from zoo.picture.sources import Input
from zoo.results import Failure, Result
from zoo.serve.exchange import Answered, Asked, Denied, FetchWanted, Outcome, Wish
from zoo.serve.refusal import LOOK
from zoo.serve.worker.encoders import documented_answer, inference_answer, picture_answer
from zoo.serve.worker.picture_body import (
    NAME,
    AddressRefusedError,
    documented_body,
    form_body,
    picture_input,
)
from zoo.serve.worker.protocol_body import Inference, inference_body, pixel_input
from zoo.serve.worker.requests_json import SchemaError
from zoo.serve.worker.shelf import Opened, Shelf

_log = logging.getLogger("zoo.serve")

#: Outcome and content; the content is empty but for an answer.
Told: TypeAlias = tuple[Outcome, bytes]
Done = TypeVar("Done")


@dataclass(frozen=True, eq=False)
class Understood:
    """A request that is understood."""

    asked: Asked
    item: Input
    wish: Wish
    inference: Inference | None = None


class TooLargeError(RequestError):
    """A body is larger than allowed when it is unpacked."""


class EncodingError(RequestError):
    """A body is compressed in a way that is not known, or damaged."""


def work(shelf: Shelf, asked: Sequence[Asked], bodies: Sequence[bytes], max_body: int) -> list[Told]:
    """Answers requests to one model.

    Args:
        shelf: The models.
        asked: The requests.
        bodies: Their bodies.
        max_body: Bytes that a body may have when it is unpacked.
    """
    try:
        opened = shelf.take(asked[0].model)
    except (ZooError, MemoryError, OSError) as error:
        return [(_unloadable(error), b"") for _ in asked]
    told: dict[int, Told] = {}
    jobs: dict[int, Understood] = {}
    for place, (one, body) in enumerate(zip(asked, bodies, strict=True)):
        found = _guarded(lambda one=one, body=body: _understood(one, body, opened, max_body))
        if isinstance(found, Understood):
            jobs[place] = found
        else:
            told[place] = found, b""
    for scores in {job.wish.scores for job in jobs.values()}:
        told |= _run({place: job for place, job in jobs.items() if job.wish.scores == scores}, opened, scores)
    return [told[place] for place in range(len(asked))]


def _understood(asked: Asked, body: bytes, opened: Opened, max_body: int) -> Understood | FetchWanted:
    value_range = opened.plan(scores=False, batch_size=1)[0].value_range
    pixels = most_pixels(opened.config.max_pixels)
    body = _unpacked(body, asked.encoding, max_body)
    if asked.way == "protocol":
        inference = inference_body(body, asked.json_bytes, pixels)
        item = (
            picture_input(inference.picture, NAME, pixels, value_range)
            if isinstance(inference.picture, bytes)
            else pixel_input(inference.picture)
        )
        return Understood(asked, item, Wish(), inference)
    wish, name = asked.wish or Wish(), NAME
    if asked.way == "documented" and asked.wish is None:
        image, wish = documented_body(body)
        if isinstance(image, str):
            return FetchWanted(image, wish)
        body = image
    elif asked.media_type.lower().startswith("multipart/"):
        body, name = form_body(body, asked.media_type)
    return Understood(asked, picture_input(body, name, pixels, value_range), wish)


def _unpacked(body: bytes, encoding: str, max_body: int) -> bytes:
    if not encoding:
        return body
    unpacker = zlib.decompressobj(wbits=47)  # gzip and deflate, whichever it is
    try:
        content = unpacker.decompress(body, max_body + 1)
    except zlib.error as error:
        raise EncodingError(
            "The body cannot be unpacked: it is no whole {encoding}.", "Send it as it is.", encoding=encoding
        ) from error
    if len(content) > max_body:
        raise TooLargeError(
            "The body has more than {limit} bytes when it is unpacked.", "Send a smaller picture.", limit=max_body
        )
    if not unpacker.eof:
        raise EncodingError(
            "The body cannot be unpacked: it is no whole {encoding}.", "Send it as it is.", encoding=encoding
        )
    return content


def _run(jobs: dict[int, Understood], opened: Opened, scores: bool) -> dict[int, Told]:
    places = list(jobs)

    def results() -> list[Result | Failure]:
        plan, options = opened.plan(scores, len(jobs) if len(jobs) > 1 else 1)
        return list(opened.model.run([job.item for job in jobs.values()], plan, options))

    found = _guarded(results)
    if isinstance(found, Denied):
        return dict.fromkeys(places, (found, b""))
    told: dict[int, Told] = {}
    for place, result in zip(places, found, strict=True):
        job = jobs[place]
        if isinstance(result, Failure):
            told[place] = denied(result.error), b""
        else:
            answer = _guarded(lambda job=job, result=result: _encoded(job, result, opened))
            told[place] = (answer, b"") if isinstance(answer, Denied) else answer
    return told


def _encoded(job: Understood, result: Result, opened: Opened) -> tuple[Answered, bytes]:
    began = time.perf_counter()
    if os.path.isabs(result.origin):
        # A folder of this machine, which is nobody's business.
        result = replace(result, origin="")
    asked, headers = job.asked, ()
    if job.inference is not None:
        kind, content, headers = inference_answer(result, job.inference, asked.model)
    elif asked.way == "documented":
        kind, content = documented_answer(result, job.wish, asked.log_id)
    else:
        kind, content = picture_answer(result, job.wish, opened.config)
    if asked.zipped and len(content) > 1000:
        content = gzip.compress(content, compresslevel=1)
        headers = (*headers, ("Content-Encoding", "gzip"))
    seconds = {**result.seconds, "encode": time.perf_counter() - began}
    return Answered(kind, len(content), headers, seconds), content


def _guarded(step: Callable[[], Done]) -> Done | Denied:
    """Does something, and gives the reason where it fails, whatever that is: the next request is not to suffer."""
    try:
        return step()
    except ZooError as error:
        return denied(error)
    except MemoryError as error:
        return Denied(
            413,
            "MemoryError",
            Message("There is not enough memory for this picture."),
            Message("Send a smaller one."),
            details=described(error),
        )
    except Exception as error:
        _log.debug("a request failed", exc_info=error)
        return _fault(error)


_STATUS: tuple[tuple[type[ZooError], int], ...] = (
    (SchemaError, 422),
    (AddressRefusedError, 422),
    (TooLargeError, 413),
    (EncodingError, 415),
    (RequestError, 400),
    (UnsupportedSourceError, 415),
    (SourceError, 422),
    (OutputError, 422),
    (ConfigError, 422),
    # What it cannot give, such as scores.
    (BundleError, 422),
)


def denied(error: ZooError) -> Denied:
    """Returns what is told of an error, with the HTTP status it means."""
    cause = error.__cause__
    if isinstance(error, DecodeError) and isinstance(cause, MemoryError):
        return Denied.of(413, error)
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return Denied.of(status, error)
    return _fault(error)


def _fault(error: BaseException) -> Denied:
    """Returns what is told of a fault of ours, or of the engine: nothing but that the log has it."""
    if isinstance(error, InferenceError):
        message = Message("The engine failed on this picture.")
    else:
        message = Message("The server failed on this request.")
    return Denied(500, type(error).__name__, message, LOOK, details=described(error))


def _unloadable(error: BaseException) -> Denied:
    return Denied(
        503,
        type(error).__name__,
        Message("The model cannot be opened."),
        LOOK,
        details=described(error),
    )

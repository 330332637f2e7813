"""One address asked, again and again if it helps, until its part is the whole file."""

from __future__ import annotations

import math
import random
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import CacheError, ChecksumMismatchError, FetchError
from zoo.message import Message
from zoo.store.download.addresses import Address
from zoo.store.download.answers import AddressError, FileAnswer, Limits, open_file
from zoo.store.download.part import FileState, PartFile, no_room
from zoo.store.download.progress import ProgressReport

_OTHER_FILE = Message("Ask the publisher which file is right, or set ZOO_MIRROR to a mirror that has the expected one.")
# However little each brings: most requests to one address.
_MOST_REQUESTS = 100


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of every address."""

    expected: str | None
    size: int | None
    size_hint: int | None
    check: Callable[[Path], None] | None
    reserve: float
    limits: Limits


def complete_part(job: Job, address: Address, part: PartFile, report: ProgressReport) -> None:
    """Asks one address until its part is the whole file."""
    most = part.received
    barren, mismatched = 0, False
    for request in range(1, _MOST_REQUESTS + 1):
        try:
            _receive(job, address, part, report)
            _verify(job, part)
            report(part.received, part.received)
            return
        except AddressError as error:
            barren = 0 if part.received > most and not error.slow else barren + 1
            most = max(most, part.received)
            twice = mismatched and error.kind is ChecksumMismatchError
            mismatched = mismatched or error.kind is ChecksumMismatchError
            # A name that was known before may be known again; one that never was is not, mostly for want of a network.
            if not error.again or twice or (error.unknown_host and request == 1):
                raise
            if barren >= job.limits.tries or request == _MOST_REQUESTS:
                reason = Message(
                    "{reason} ({request} tries, {received} bytes received)",
                    reason=error.reason,
                    request=request,
                    received=part.received,
                )
                raise AddressError(reason, spoils=error.spoils, kind=error.kind, hint=error.hint) from None
            if error.spoils:
                part.clear()
            else:
                part.checkpoint()
            _wait(job.limits, barren, error, lambda note: report(part.received, part.facts.total, note))


def _wait(limits: Limits, barren: int, error: AddressError, tell: Callable[[str], None]) -> None:
    seconds = error.wait
    if seconds is None:
        # Jitter keeps many clients from coming back at the same moment.
        seconds = random.uniform(0, min(limits.longest_wait, limits.backoff * 2 ** max(0, barren - 1)))
    if seconds > limits.longest_wait:
        raise AddressError(
            Message(
                "{reason}; it asks to wait {seconds:.0f} s, at most {limit:.0f} s are waited",
                reason=error.reason,
                seconds=seconds,
                limit=limits.longest_wait,
            )
        )
    tell(
        Message("waits {seconds:.1f} s: {reason}", seconds=seconds, reason=error.reason)
        if seconds
        else Message("starts again: {reason}", reason=error.reason)
    )
    time.sleep(seconds)


def _receive(job: Job, address: Address, part: PartFile, report: ProgressReport) -> None:
    """Makes one request and appends what it brings."""
    if part.received and part.digest == job.expected:
        return
    if part.received and not part.facts.validator and job.expected is None:
        # Nothing would show that the rest belongs to another state of the file.
        part.clear()
    with _open(job.limits, address, part) as answer:
        total = answer.total if answer.total is not None else job.size
        _check_size(job, answer)
        if answer.start == 0:
            part.begin(FileState(answer.etag, answer.modified, answer.total))
        elif not _continues(answer, part.facts, job.expected is not None):
            raise AddressError(Message("the file has changed meanwhile"), again=True, wait=0.0, spoils=True)
        _check_room(job, total, part)
        most = job.limits.largest if total is None else total
        for block in answer.blocks:
            if part.received + len(block) > most:
                raise AddressError(Message("it sends more than {most} bytes", most=most), spoils=True)
            part.write(block)
            report(part.received, total or job.size_hint)
    if total is not None and part.received < total:
        raise AddressError(
            Message("the connection ended after {received} of {total} bytes", received=part.received, total=total),
            again=True,
        )
    if not part.received:
        raise AddressError(Message("it sends an empty file"))


def _open(limits: Limits, address: Address, part: PartFile) -> AbstractContextManager[FileAnswer]:
    if isinstance(address.place, Path):
        return open_file(address.place)
    # Not above: requests takes a while to import, and most commands download nothing.
    from zoo.store.download.http import open_url

    return open_url(address.place, limits, part.received, part.facts.validator)


def _check_size(job: Job, answer: FileAnswer) -> None:
    """Refuses by the headers what cannot be the file."""
    if answer.total is None:
        if not answer.ends and job.expected is None and job.size is None:
            raise AddressError(
                Message("it does not say how long the file is, so nobody could tell whether it is whole")
            )
    elif job.size is not None and answer.total != job.size:
        raise AddressError(
            Message("the file has {total} bytes, {size} were expected", total=answer.total, size=job.size),
            spoils=True,
            kind=ChecksumMismatchError,
            hint=_OTHER_FILE,
        )
    elif job.size is None and answer.total > job.limits.largest:
        raise AddressError(
            Message(
                "the file has {total} bytes, at most {largest} are accepted",
                total=answer.total,
                largest=job.limits.largest,
            ),
            spoils=True,
        )


def _continues(answer: FileAnswer, facts: FileState, pinned: bool) -> bool:
    """Returns whether an answer that starts behind the part belongs to the same state of the file."""
    said = ((answer.etag, facts.etag), (answer.modified, facts.modified), (answer.total, facts.total))
    if any(now and before and now != before for now, before in said):
        return False
    # What was asked for has to be confirmed, unless a digest will tell or nothing is left that could be another's.
    return pinned or answer.start == answer.total or facts.validator in (answer.etag, answer.modified)


def _check_room(job: Job, total: int | None, part: PartFile) -> None:
    size = total or job.size_hint
    if size is None:
        return
    folder = part.path.parent
    needed = max(0, size - part.received) + math.ceil(job.reserve * size)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise CacheError(
            "{folder} cannot be used: {reason}.",
            "Run: export ZOO_HOME=FOLDER",
            folder=folder,
            reason=error.strerror or error,
        ) from error
    if free < needed:
        part.clear()
        raise no_room(
            Message(
                "The disk of {folder} has {free} bytes free; {needed} bytes are needed.",
                folder=folder,
                free=free,
                needed=needed,
            )
        )


def _verify(job: Job, part: PartFile) -> None:
    """Compares the digest, and has the caller look at the file."""
    if job.expected not in (None, part.digest):
        raise AddressError(
            Message(
                "the file has the SHA-256 digest {digest}, {expected} was expected",
                digest=part.digest,
                expected=job.expected,
            ),
            again=True,
            wait=0.0,
            spoils=True,
            kind=ChecksumMismatchError,
            hint=_OTHER_FILE,
        )
    part.complete()
    if job.check is None:
        return
    try:
        job.check(part.path)
    except CacheError:
        raise
    except FetchError as error:
        raise AddressError(error.message, spoils=True, kind=type(error), hint=error.hint) from error

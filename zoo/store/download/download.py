"""One artifact, from one of its addresses into one verified file.

Addresses are tried in order. A broken connection is continued where it broke, in this process or the next; bytes of two
states of a file are never put together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zoo.contract.spec import Artifact
from zoo.errors import CacheError, FetchError
from zoo.message import Message
from zoo.store.download.addresses import Address, addresses
from zoo.store.download.answers import AddressError, Limits
from zoo.store.download.attempt import Job, complete_part
from zoo.store.download.part import PartFile, part_files
from zoo.store.download.progress import Progress, ProgressReport

__all__ = ["Download", "Limits", "Progress", "discard", "download"]

_HINT = Message("Check the connection, or set ZOO_MIRROR to a mirror; then run the same command again.")


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is what it must be.

    Attributes:
        path: Where it lies until `discard`; the caller unpacks it, or flushes it to the disk and moves it.
        url: The declared address that gave it, as it was declared.
        size: Bytes.
        sha256: Hex digest.
    """

    path: Path
    url: str
    size: int
    sha256: str


def download(
    artifact: Artifact,
    parts: Path,
    *,
    sha256: str | None = None,
    size_hint: int | None = None,
    check: Callable[[Path], None] | None = None,
    reserve: float = 1.0,
    progress: Callable[[Progress], None] | None = None,
    limits: Limits | None = None,
    hint: str | None = None,
) -> Download:
    """Brings an artifact into a folder of unfinished downloads.

    The caller holds a lock: two downloads of one artifact into one folder must not run at the same time.

    Args:
        artifact: Addresses, and digest and size where they are known.
        parts: Existing folder; what an earlier call left there is continued.
        sha256: Digest recorded at an earlier download.
        size_hint: Rounded size in bytes, for the free space and the progress where the server tells none.
        check: Called with the whole file; raises FetchError when it is no good, and the next address is tried.
        reserve: Room to keep free for what the caller makes of the file, as a multiple of its size.
        progress: Called about ten times a second, and with a note whenever something is waited for.
        limits: Times and sizes.
        hint: What helps when no address gives the file, in place of a hint that fits the reason.

    Returns:
        The file. Call `discard` when it is no longer needed.

    Raises:
        ChecksumMismatchError: The addresses that gave a file gave one with another digest or size.
        CacheError: The disk is full or refuses; no other address is tried.
        FetchError: No address gave the file; the subclass that `check` raised, where that is the only one.
        ValueError: Two different digests are expected.
    """
    digests = {digest.lower() for digest in (sha256, artifact.sha256) if digest is not None}
    if len(digests) > 1:
        raise ValueError(Message("two digests are expected of one file: {digests: and }", digests=sorted(digests)))
    limits = limits or Limits()
    job = Job(digests.pop() if digests else None, artifact.size, size_hint, check, reserve, limits)
    failures: list[tuple[Address, AddressError]] = []
    unknown_hosts: set[str] = set()
    for address in addresses(artifact.urls):
        if isinstance(address.place, str) and urlsplit(address.place).hostname in unknown_hosts:
            continue
        report = ProgressReport(address, progress)
        with PartFile(parts, address.declared, address.plain, job.expected, limits.checkpoint) as part:
            try:
                complete_part(job, address, part, report)
                return Download(part.path, address.declared, part.received, part.digest)
            except AddressError as error:
                if error.spoils:
                    part.clear()
                failures.append((address, error))
                unknown_hosts |= {error.unknown_host} - {""}
    raise _failed(failures, hint)


def discard(parts: Path, artifact: Artifact) -> None:
    """Removes everything `download` left for an artifact, of all its addresses.

    Raises:
        CacheError: A file cannot be removed.
    """
    for url in artifact.urls:
        for path in part_files(parts, url):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CacheError(
                    "{path} cannot be removed: {reason}.",
                    "Correct its permissions.",
                    path=path,
                    reason=error.strerror or error,
                ) from error


def _failed(failures: list[tuple[Address, AddressError]], hint: str | None) -> FetchError:
    if not failures:
        return FetchError("No address is given for the files; at least one was expected.", "Correct the model's card.")
    hosts = dict.fromkeys(error.unknown_host for _, error in failures)
    if "" not in hosts:
        return FetchError(
            "Nothing can be downloaded: the name {hosts: or } cannot be resolved. Is this machine offline?",
            hint or _HINT,
            hosts=list(hosts),
        )
    # An address that is not there says less than one that gives something else.
    kinds = {error.kind for _, error in failures} - {FetchError}
    kind = kinds.pop() if len(kinds) == 1 else FetchError
    hint = hint or next((error.hint for _, error in failures if error.hint and error.kind is kind), _HINT)
    if len(failures) == 1:
        address, error = failures[0]
        fact = Message("{url} does not give the file: {reason}.", url=address.shown, reason=error.reason)
        return kind(fact, hint)
    reasons = [Message("{url}: {reason}", url=address.shown, reason=error.reason) for address, error in failures]
    return kind(
        Message("None of the {count} addresses gives the file. {reasons:; }.", count=len(failures), reasons=reasons),
        hint,
    )

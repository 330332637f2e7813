"""From an artifact to its files on this machine: what is here is used, the rest is downloaded, verified and kept."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from zoo.bundle.bundle import read_bundle
from zoo.contract.spec import Artifact
from zoo.errors import ArchiveError, BundleError, CacheError, ChecksumMismatchError, OfflineError
from zoo.message import Message, printable
from zoo.registry.records import Record, Wanted, now
from zoo.store.archive import unpack
from zoo.store.download.addresses import MIRROR, addresses
from zoo.store.download.download import Download, Limits, discard, download
from zoo.store.download.progress import Progress
from zoo.store.manifest import FILES
from zoo.store.store import DamagedError, Store, Stored

_log = logging.getLogger("zoo.hub")


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch.

    Attributes:
        offline: Never use the network.
        thorough: Take the digest of every stored file, whatever its stamp says.
        sha256: Digest the download must have, from a lock file; the card's or the recorded one otherwise.
        progress: Called with what goes on.
        limits: Times and sizes of the download, where the usual ones do not do.
    """

    offline: bool = False
    thorough: bool = False
    sha256: str | None = None
    progress: Callable[[Progress], None] | None = None
    limits: Limits | None = None


def fetch(wanted: Wanted, store: Store, options: FetchOptions) -> Stored:
    """Returns the files of an artifact, downloading them when they are not here or damaged.

    Nothing is asked of the network when the files are here. Of several processes one downloads and the others wait.

    Raises:
        OfflineError: They are not here, or damaged, and the network may not be used.
        FetchError: They cannot be downloaded, or are not what they must be.
        CacheError: The cache folder cannot be used.
    """
    stored, fault = _look(wanted, store, options)
    if stored is not None:
        return stored
    if options.offline and not _on_this_machine(wanted):
        reason = (
            Message("are damaged ({reason})", reason=fault.message)
            if fault is not None
            else Message("are not on this machine")
        )
        if fault is None and store.record(wanted.key) is not None:
            reason = (
                Message("of the digest that the plugin holds {reason}", reason=reason)
                if options.sha256 is None
                else Message("of the digest that the lock file holds {reason}", reason=reason)
            )
        raise OfflineError(
            "The {kind} files of {model} {reason}, and zoo was told to stay offline.",
            "Run without --offline and ZOO_OFFLINE: {command}",
            kind=wanted.kind,
            model=wanted.model,
            reason=reason,
            command=_command(wanted),
        )
    store.prepare()
    with store.lock(wanted.key, _note(wanted, options.progress)):
        stored, fault = _look(wanted, store, options)
        if stored is not None:
            return stored
        return _bring(wanted, store, options)


def _on_this_machine(wanted: Wanted) -> bool:
    """Whether ZOO_MIRROR is a folder, which takes no network to read."""
    return bool(os.environ.get(MIRROR)) and all(
        isinstance(address.place, Path) for address in addresses(wanted.artifact.urls)
    )


def _look(wanted: Wanted, store: Store, options: FetchOptions) -> tuple[Stored | None, DamagedError | None]:
    try:
        stored = store.find(wanted.key, options.thorough)
    except DamagedError as error:
        return None, error
    if stored is not None and any(
        digest not in (None, stored.record.sha256) for digest in (options.sha256, wanted.artifact.sha256)
    ):
        return None, None
    return stored, None


def _bring(wanted: Wanted, store: Store, options: FetchOptions) -> Stored:
    """Downloads, unpacks, proves and keeps. The lock is held."""
    scratch = store.scratch(wanted.key)
    _log.info("fetching the %s files of %s", wanted.kind, printable(wanted.model))
    try:
        known = store.record(wanted.key)
        expected = options.sha256 or wanted.artifact.sha256 or (known.sha256 if known is not None else None)
        artifact = Artifact(_in_order(wanted, known), expected, wanted.artifact.size)
        check = _unpack_into(scratch / FILES, wanted) if wanted.kind == "inference" else None
        try:
            got = download(
                artifact,
                store.parts,
                check=check,
                progress=options.progress,
                limits=options.limits,
            )
        except ChecksumMismatchError as error:
            raise ChecksumMismatchError(error.message, _mismatch_hint(wanted, options)) from error
        if wanted.kind == "pretrained":
            _take_file(got, scratch / FILES, wanted)
        tree, manifest = store.keep(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    record = Record(wanted.key, wanted.model, wanted.kind, got.url, got.size, got.sha256, tree, "download", now())
    store.write_record(record)
    discard(store.parts, artifact)
    return Stored(store.trees / tree / FILES, manifest, record)


def _in_order(wanted: Wanted, known: Record | None) -> tuple[str, ...]:
    """The address that gave the recorded file comes first: the others may hold another release of it."""
    urls = wanted.artifact.urls
    if known is None or known.url not in urls:
        return urls
    return (known.url, *(url for url in urls if url != known.url))


def _unpack_into(folder: Path, wanted: Wanted) -> Callable[[Path], None]:
    def check(archive: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            unpack(archive, folder)
        except ArchiveError as error:
            # The address is named anyway; the file's name in the cache says nothing to anyone.
            name = {str(archive): Message("the file")}
            raise type(error)(_renamed(error.message, lambda text: name.get(text, text)), error.hint) from error
        try:
            read_bundle(folder).verify()
        except BundleError as error:
            name = {str(folder): Message("the archive")}
            inside = _renamed(error.message, lambda text: name.get(text, text.replace(f"{folder}{os.sep}", "")))
            raise ArchiveError(
                "The archive of {model} holds no model zoo can read: {inside}",
                "Tell the publisher; or unpack a good one yourself and give its folder in place of the name.",
                model=wanted.model,
                inside=inside,
            ) from error

    return check


def _renamed(value: Any, name: Callable[[str], str]) -> Any:
    """Returns a message, or a value of one, with other names for its paths."""
    if isinstance(value, Message):
        return Message(value.template, **{key: _renamed(inner, name) for key, inner in value.values.items()})
    return name(value) if isinstance(value, str) else value


def _take_file(got: Download, folder: Path, wanted: Wanted) -> None:
    name = kept_name(wanted.artifact)
    try:
        folder.mkdir()
        try:
            os.rename(got.path, folder / name)
        except OSError:
            # The folder of downloads may be a link to another disk.
            shutil.copyfile(got.path, folder / name)
        with open(folder / name, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(folder / name, 0o644)
    except OSError as error:
        raise CacheError(
            "{folder} cannot be written to: {reason}.",
            "Make room (zoo cache prune), or run: export ZOO_HOME=FOLDER",
            folder=folder,
            reason=error.strerror or error,
        ) from error


def kept_name(artifact: Artifact) -> str:
    """Returns the name under which a single file is kept: that of its first address, if it is a plain one."""
    name = unquote(urlsplit(artifact.urls[0]).path).rpartition("/")[2]
    plain = name.isprintable() and name not in ("", ".", "..") and not set(name) & set('/\\:*?"<>|') and len(name) < 200
    return name if plain else "model.pdparams"


def _note(wanted: Wanted, progress: Callable[[Progress], None] | None) -> Callable[[str], None]:
    def note(text: str) -> None:
        if progress is not None:
            progress(Progress(wanted.artifact.urls[0], 0, None, text))

    return note


def _command(wanted: Wanted) -> str:
    kind = " --weights pretrained" if wanted.kind == "pretrained" else ""
    return f"zoo download {shlex.quote(wanted.model)}{kind}"


def _mismatch_hint(wanted: Wanted, options: FetchOptions) -> str:
    name = shlex.quote(wanted.model)
    if options.sha256 is not None:
        return Message("The lock file holds another file. If the new one is wanted, run: zoo lock {name}", name=name)
    if wanted.artifact.sha256 is not None:
        return Message("The plugin holds the digest. Try again later or another ZOO_MIRROR, or upgrade the plugin.")
    return Message(
        "An earlier download had the other digest. If the new file is wanted, run: zoo cache rm {name} --forget",
        name=name,
    )

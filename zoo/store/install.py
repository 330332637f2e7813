"""Packs on the other side: their models in the cache, or opened from the file."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.base.home import home
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.foreign import unnamed_labels
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Artifact
from zoo.errors import ArchiveError, BundleError, ChecksumMismatchError, ModelNotFoundError
from zoo.message import Message
from zoo.registry import find_model
from zoo.registry.names import fold
from zoo.registry.records import Kind, Record, Wanted, now
from zoo.store.archive import ArchiveLimits, unpack
from zoo.store.lock import LockedFiles, LockedModel, locked_model, read_lock
from zoo.store.lock_check import check_download, check_files, locked_files
from zoo.store.manifest import FILES, Manifest, changes, digests_of, tree_digest
from zoo.store.model_files import place_of
from zoo.store.pack import INDEX, Pack, read_pack
from zoo.store.store import DamagedError, Store

#: A pack may hold all models; what it unpacks to is what it weighs, for nothing is compressed.
_LIMITS = ArchiveLimits(members=100_000, total=1 << 40)


@dataclass(frozen=True, slots=True)
class Installed:
    """What became of one kind of files of a pack.

    Attributes:
        model: Name of the model.
        kind: "inference" or "pretrained".
        outcome: "installed", "already here" or "part of its plugin".
        plugin: Distribution that must be installed to use the model by name; empty when it is.
    """

    model: str
    kind: Kind
    outcome: str
    plugin: str = ""


def install_pack(path: Path, lock: Path | None = None) -> list[Installed]:
    """Takes the models of a pack into the cache.

    Args:
        path: The file.
        lock: A lock file of your own that the files must agree with. Without it they are held to the digests that the
            pack itself gives, and to what the cards of installed plugins and earlier downloads say.

    Raises:
        ArchiveError: The file is damaged or unsafe.
        ChecksumMismatchError: A file differs from its digest, or a download of another digest was known here.
        LockMismatchError: Something differs from the lock file.
        CacheError: The cache folder cannot be written to.
    """
    pack, store = read_pack(path), Store(home())
    agreed = None if lock is None else read_lock(lock)
    outcomes: list[Installed] = []
    with _unpacked(pack, store) as place:
        for name, model in pack.models.items():
            expected = None if agreed is None else locked_model(agreed, name, lock or "")
            for kind, files in model.weights.items():
                _check_unpacked(pack, place, files)
                if expected is not None:
                    check_files(expected, kind, files.files)
                    check_download(expected, kind, files.sha256)
                outcomes.append(_install(pack, model, kind, place / "files" / tree_digest(files.files), store))
    return outcomes


def open_packed(path: Path, name: str, verify: bool = False) -> Bundle:
    """Opens a model of a pack; its plugin need not be installed.

    Its files are kept in the cache, so that the next time costs nothing; `zoo cache prune` removes them when they have
    not been used for a day.

    Args:
        path: The file.
        name: Name of a model in it.
        verify: Take the digest of every file, also of files that look untouched.

    Raises:
        ModelNotFoundError: The file does not hold this model.
        ArchiveError: It is damaged.
        ChecksumMismatchError: A file differs from its digest.
        CacheError: The cache folder cannot be written to.
    """
    pack, store = read_pack(path), Store(home())
    model = next((model for known, model in pack.models.items() if fold(known) == fold(name)), None)
    if model is None:
        raise ModelNotFoundError(
            "{path} holds no model {name!r}, only {models:, }.",
            "Give {file}#{model}.",
            path=path,
            name=name,
            models=sorted(pack.models),
            file=path.name,
            model=min(pack.models, default="MODEL"),
        )
    files = locked_files(model, "inference")
    tree = tree_digest(files.files)
    try:
        folder, manifest = store.check(tree, verify)
        with contextlib.suppress(OSError):
            os.utime(folder.parent)
    except DamagedError:
        with _unpacked(pack, store, tree) as place:
            _check_unpacked(pack, place, files)
            _keep(store, f"pack-{tree[:12]}", place / "files" / tree)
        folder, manifest = store.check(tree)
    bundle = read_bundle(folder)
    labels = _card_labels(pack, model.name) if bundle.labels == unnamed_labels() else bundle.labels
    return replace(bundle, model=model.name, labels=labels, proven=digests_of(manifest))


@contextlib.contextmanager
def _unpacked(pack: Pack, store: Store, tree: str | None = None) -> Generator[Path, None, None]:
    """Yields a folder with the files of a pack, or with one tree of them; it is gone afterwards."""
    store.prepare()
    parent = Path(tempfile.mkdtemp(prefix=".new-pack-", dir=store.trees))
    try:
        prefix = "" if tree is None else f"files/{tree}/"
        # With the index no folder is common to all files, so none is taken off.
        unpack(pack.path, parent / "all", _LIMITS, only=lambda name: name == INDEX or name.startswith(prefix))
        yield parent / "all"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def _check_unpacked(pack: Pack, place: Path, files: LockedFiles) -> None:
    faults, _ = changes(place / "files" / tree_digest(files.files), files.files, thorough=True)
    if faults:
        raise ChecksumMismatchError(
            "{pack} does not hold what it says: {faults:; }.",
            "Copy the pack again, or write it again: zoo pack MODEL -o models.zoo",
            pack=pack.path,
            faults=faults,
        )


def _install(pack: Pack, locked: LockedModel, kind: Kind, folder: Path, store: Store) -> Installed:
    files = locked.weights[kind]
    try:
        model = find_model(locked.name)
    except ModelNotFoundError:
        model = None
    plugin = "" if model is not None else locked.distribution
    if not files.url:
        return Installed(locked.name, kind, Message("part of its plugin"), plugin)
    place = _declared(pack, locked.name, kind) if model is None else place_of(model.card, kind)
    if not isinstance(place, Artifact):
        return Installed(locked.name, kind, Message("part of its plugin"), plugin)
    wanted = Wanted(locked.name if model is None else model.card.name, kind, place)
    with store.lock(wanted.key):
        known = store.record(wanted.key)
        expected = place.sha256 or (known.sha256 if known is not None else None)
        if expected not in (None, files.sha256):
            raise ChecksumMismatchError(
                "{pack} brings {model} of a download with sha256 {sha256}; {expected} was expected here.",
                "Run: zoo cache rm {model} --forget  (only if the other files are wanted)",
                pack=pack.path,
                model=locked.name,
                sha256=files.sha256,
                expected=expected,
            )
        if known is not None and store.holds(known.tree):
            with contextlib.suppress(DamagedError):
                store.check(known.tree)
                return Installed(locked.name, kind, Message("already here"), plugin)
        tree, _ = _keep(store, wanted.key, folder)
        store.write_record(
            Record(wanted.key, wanted.model, kind, files.url, files.size, files.sha256, tree, "bundle", now())
        )
    return Installed(locked.name, kind, "installed", plugin)


def _keep(store: Store, key: str, folder: Path) -> tuple[str, Manifest]:
    scratch = store.scratch(key)
    shutil.copytree(folder, scratch / FILES)
    return store.keep(scratch)


def _declared(pack: Pack, name: str, kind: Kind) -> Artifact:
    """The artifact as the plugin declared it where the pack was written."""
    card = pack.cards.get(name, {})
    place = card.get("weights" if kind == "inference" else "pretrained")
    if place is None or "urls" not in place:
        raise ArchiveError(
            "{pack} has no card of {name} with addresses.",
            "Write it again: zoo pack MODEL -o models.zoo",
            pack=pack.path,
            name=name,
        )
    return Artifact(tuple(place["urls"]), place.get("sha256"), place.get("size"))


def _card_labels(pack: Pack, name: str) -> LabelSet:
    try:
        labels = pack.cards[name]["labels"]
        return LabelSet(
            labels["name"], tuple(labels["names"]), tuple(map(tuple, labels["palette"])), labels["ignore_index"]
        )
    except (KeyError, ValueError) as error:
        raise BundleError(
            "The card of {name} in {pack} names no classes.",
            "Write it again: zoo pack MODEL -o models.zoo",
            name=name,
            pack=pack.path,
        ) from error

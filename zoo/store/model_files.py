"""The files of a model by its name: inside its plugin, in the cache, or downloaded into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.base.home import home, offline
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.foreign import unnamed_labels
from zoo.contract.spec import Artifact, Embedded, ModelCard
from zoo.errors import FetchError, LockMismatchError
from zoo.registry import find_model
from zoo.registry.discovery import discover
from zoo.registry.found import InstalledModel
from zoo.registry.records import Kind, Record, Wanted
from zoo.store.artifact import FetchOptions
from zoo.store.artifact import fetch as fetch_artifact
from zoo.store.download.progress import Progress, notebook_progress
from zoo.store.embedded import embedded_folder
from zoo.store.lock import LockedModel, locked_model, read_lock
from zoo.store.lock_check import check_files, check_meaning, check_plugin, locked_files
from zoo.store.manifest import Manifest, digests_of, take_manifest
from zoo.store.store import Store


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Files of a model on this machine.

    Attributes:
        folder: Folder that holds them.
        manifest: The files.
        record: Where they came from; None for files inside a plugin.
    """

    folder: Path
    manifest: Manifest
    record: Record | None


def fetch(
    name: str,
    weights: Kind = "inference",
    *,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Makes sure that the files of a model are on this machine, and right.

    Args:
        name: Name of an installed model.
        weights: "inference" for the export folder, "pretrained" for the official checkpoint to fine-tune from.
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file; anything that differs from it is refused.
        verify: Take the digest of every file, also of files that look untouched.
        progress: Called with what goes on during a download.

    Returns:
        The export folder, or the checkpoint file.

    Raises:
        ModelNotFoundError: No installed model has this name.
        OfflineError: The files are not here and the network may not be used.
        LockMismatchError: Something differs from the lock file.
        FetchError: They cannot be downloaded, or are not what they must be.
    """
    options = make_options(offline, verify, progress)
    if weights == "inference" and lock is not None:
        return fetch_bundle(name, options, lock).folder
    model = find_model(name)
    files = model_files(model, weights, options, _locked(model, lock))
    if weights == "inference":
        return files.folder  # unread: it is not opened here
    [entry] = files.manifest
    return files.folder / entry.name


def fetch_bundle(name: str, options: FetchOptions, lock: str | Path | None = None) -> Bundle:
    """Returns the export folder of an installed model, fetched where it is not on this machine.

    Raises:
        FetchError: As `fetch`.
        BundleError: The folder is not understood.
    """
    model = find_model(name)
    locked = _locked(model, lock)
    bundle = named_bundle(model.card, model_files(model, "inference", options, locked))
    bundle = replace(bundle, origin=f"{model.distribution} {plugin_version(model)}".strip())
    if locked is not None:
        check_meaning(locked, bundle.preprocess, bundle.labels)
    return bundle


def _locked(model: InstalledModel, lock: str | Path | None) -> LockedModel | None:
    return None if lock is None else locked_model(read_lock(lock), model.card.name, lock)


def make_options(offline_asked: bool | None, verify: bool, progress: Callable[[Progress], None] | None) -> FetchOptions:
    """Returns the options of a fetch, `ZOO_OFFLINE` taken into account; in a notebook a download is always shown."""
    return FetchOptions(
        offline() if offline_asked is None else offline_asked, verify, progress=progress or notebook_progress()
    )


def model_files(
    model: InstalledModel, kind: Kind, options: FetchOptions, locked: LockedModel | None = None
) -> ModelFiles:
    """Returns the files of an installed model, downloading them when needed.

    Raises:
        FetchError: As `fetch`; also when there are no files of this kind.
    """
    if locked is not None:
        check_plugin(locked, model.distribution, plugin_version(model))
    place = place_of(model.card, kind)
    if isinstance(place, Embedded):
        folder = embedded_folder(place)
        # They came with the package; only a lock makes their digests worth the reading.
        manifest = take_manifest(folder) if locked is not None or options.thorough else ()
        files = ModelFiles(folder, manifest, None)
    else:
        if locked is not None:
            options = replace(options, sha256=_locked_digest(locked, kind, place))
        stored = fetch_artifact(Wanted(model.card.name, kind, place), Store(home()), options)
        files = ModelFiles(stored.folder, stored.manifest, stored.record)
    if locked is not None:
        check_files(locked, kind, files.manifest)
    return files


def named_bundle(card: ModelCard, files: ModelFiles) -> Bundle:
    """Reads the export folder of a model. What the folder of another system does not name, its card does.

    Raises:
        BundleError: The folder is not understood.
    """
    bundle = read_bundle(files.folder)
    labels = card.labels if bundle.labels == unnamed_labels() else bundle.labels
    window = bundle.window or card.window
    return replace(bundle, model=card.name, labels=labels, window=window, proven=digests_of(files.manifest))


def place_of(card: ModelCard, kind: Kind) -> Artifact | Embedded:
    """Returns where files of a model are declared to be.

    Raises:
        FetchError: The model has none of this kind.
    """
    place = card.weights if kind == "inference" else card.pretrained
    if place is None:
        raise FetchError(
            "{model} has no {kind} weights to fetch.",
            "Run: zoo info {model}  (it shows what there is)",
            model=card.name,
            kind=kind,
        )
    return place


def plugin_version(model: InstalledModel) -> str:
    """Returns the version of the distribution that brings a model."""
    return next(
        (plugin.version for plugin in discover("zoo.models").plugins if plugin.distribution == model.distribution), ""
    )


def _locked_digest(locked: LockedModel, kind: Kind, artifact: Artifact) -> str:
    sha256 = locked_files(locked, kind).sha256
    if artifact.sha256 not in (None, sha256):
        raise LockMismatchError(
            "The {kind} files of {model} were locked with sha256 {sha256}; its plugin says {plugin_sha256}.",
            "Run: zoo lock {model}  (only if the change is wanted)",
            kind=kind,
            model=locked.name,
            sha256=sha256,
            plugin_sha256=artifact.sha256,
        )
    return sha256

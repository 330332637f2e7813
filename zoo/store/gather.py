"""A model with everything that belongs to it, described by digests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.registry.found import InstalledModel
from zoo.registry.records import Kind
from zoo.store.artifact import FetchOptions
from zoo.store.lock import LockedFiles, LockedModel, labels_digest, preprocess_digest
from zoo.store.manifest import take_manifest
from zoo.store.model_files import ModelFiles, model_files, named_bundle, plugin_version


def gather(model: InstalledModel, kinds: Sequence[Kind], options: FetchOptions) -> tuple[LockedModel, dict[Kind, Path]]:
    """Describes a model exactly and says where its files are; they are fetched where they are not here.

    Raises:
        FetchError: Files cannot be had.
        BundleError: The export folder is damaged.
    """
    weights: dict[Kind, LockedFiles] = {}
    places: dict[Kind, Path] = {}
    preprocess, labels = model.card.preprocess, model.card.labels
    for kind in dict.fromkeys(kinds):
        files = model_files(model, kind, options)
        if kind == "inference":
            bundle = named_bundle(model.card, files)
            preprocess, labels = bundle.preprocess, bundle.labels
        weights[kind], places[kind] = _locked(files), files.folder
    locked = LockedModel(
        model.card.name,
        model.distribution,
        plugin_version(model),
        preprocess_digest(preprocess),
        labels_digest(labels),
        weights,
    )
    return locked, places


def _locked(files: ModelFiles) -> LockedFiles:
    manifest = files.manifest or take_manifest(files.folder)
    if files.record is None:
        return LockedFiles("", 0, "", manifest)
    return LockedFiles(files.record.url, files.record.size, files.record.sha256, manifest)

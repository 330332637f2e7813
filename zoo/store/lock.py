"""Lock files: the exact files, preprocessing and classes that a team agreed on.

A lock file is JSON. For each model it holds the plugin and its version, digests of the preprocessing and of the labels,
for each kind of weights the address, size and digest of the download and the digest of every file of it, and the engine
that runs it, with its precision; null where there was none. Lock files of earlier versions have no key for the engine.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.files import user_path, write_atomic
from zoo.bundle.steps import write_step
from zoo.contract.engine import Precision
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Step
from zoo.errors import LockMismatchError
from zoo.message import Message
from zoo.registry.names import fold
from zoo.registry.records import Kind
from zoo.settings.check import check_version, conform, mismatch
from zoo.settings.document import DocumentKind, Node
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, DISTRIBUTION, SHA256, STRING, TEXT, VERSION, array, mapping, optional
from zoo.store.manifest import FILES_RULE, Manifest, entries, manifest_document

FORMAT = 1

_LOCK = DocumentKind(
    error=LockMismatchError,
    noun=Message("a lock file"),
    hint=Message("Take it from version control again, or run: zoo lock MODEL"),
    unread=Message("Run: zoo lock MODEL"),
    named=Message("{file} is not a lock file"),
    limit=20_000_000,
)
_FILES = mapping(
    {
        "url": STRING,
        "size": BYTES,
        # Files inside a plugin come from no download.
        "sha256": {"anyOf": [SHA256, {"const": ""}]},
        "files": FILES_RULE,
    }
)
_PLUGIN = mapping({"distribution": DISTRIBUTION, "version": VERSION})
_ENGINE = mapping(
    {
        "name": TEXT,
        "plugin": _PLUGIN,
        "libraries": array(TEXT),
        "precision": {"enum": ["float32", "bf16", "int8"]},
        "processor": STRING,
    },
    {"calibration": {"anyOf": [SHA256, {"const": ""}]}},
)
SCHEMA = mapping(
    {
        "format": {"const": FORMAT},
        "models": array(
            mapping(
                {
                    "name": TEXT,
                    "plugin": _PLUGIN,
                    "preprocess": SHA256,
                    "labels": SHA256,
                    "weights": mapping({}, {"inference": _FILES, "pretrained": _FILES}, closed=True),
                },
                {"engine": optional(_ENGINE)},
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class LockedFiles:
    """Files of one kind.

    Attributes:
        url: Declared address of the download; empty for files inside a plugin.
        size: Its bytes; 0 there.
        sha256: Its hex digest; empty there.
        files: Every file.
    """

    url: str
    size: int
    sha256: str
    files: Manifest


@dataclass(frozen=True, slots=True)
class LockedEngine:
    """The engine of a model as it was agreed on.

    Attributes:
        name: Its name.
        distribution: Distribution that brings it.
        version: Version of that.
        libraries: Its libraries with their versions, such as "openvino 2026.4.1".
        precision: Precision of its arithmetic.
        processor: Name and instructions of the processor it was proven on.
        calibration: Digest of the ranges it computes with in int8; else empty.
    """

    name: str
    distribution: str
    version: str
    libraries: tuple[str, ...]
    precision: Precision
    processor: str
    calibration: str = ""


@dataclass(frozen=True, slots=True)
class LockedModel:
    """A model as it was agreed on.

    Attributes:
        name: Name of the model.
        distribution: Distribution of its plugin.
        version: Version of that.
        preprocess: Digest of the preprocessing steps.
        labels: Digest of class names, colours and ignore index.
        weights: Its files by kind.
        engine: What runs it; None where nothing was agreed on.
    """

    name: str
    distribution: str
    version: str
    preprocess: str
    labels: str
    weights: Mapping[Kind, LockedFiles]
    engine: LockedEngine | None = None


def labels_digest(labels: LabelSet) -> str:
    """Returns the digest of everything that gives a mask its meaning."""
    return _digest([labels.names, labels.palette, labels.ignore_index])


def preprocess_digest(steps: Iterable[Step]) -> str:
    """Returns the digest of preprocessing steps."""
    return _digest([write_step(step) for step in steps])


def lock_document(models: Iterable[LockedModel]) -> dict[str, Any]:
    """Returns a lock file as plain data, the models in the order of their names."""
    return {"format": FORMAT, "models": [_model_document(model) for model in sorted(models, key=lambda m: m.name)]}


def write_lock(path: Path, models: Iterable[LockedModel]) -> Path:
    """Writes a lock file.

    Raises:
        OutputError: It cannot be written.
    """
    return write_atomic(path, (json.dumps(lock_document(models), indent=2) + "\n").encode())


def read_lock(path: str | Path) -> dict[str, LockedModel]:
    """Reads a lock file.

    Returns:
        The models by their names.

    Raises:
        LockMismatchError: It is missing, damaged or of a newer format.
    """
    return parse_lock(read_json(Path(user_path(path)), _LOCK))


def parse_lock(root: Node) -> dict[str, LockedModel]:
    """Reads what `lock_document` returned.

    Raises:
        ZooError: It is anything else; of the class of the document it stands in.
    """
    check_version(root, "format", FORMAT)
    models = [_locked(item) for item in conform(root, SCHEMA)["models"]]
    for index, model in enumerate(models):
        if any(bool(files.url) != bool(files.sha256) for files in model.weights.values()):
            weights = root["models"][index]["weights"]
            raise mismatch(weights, Message("an address with its digest, or neither"))
    found = {model.name: model for model in models}
    if len(found) != len(models):
        raise mismatch(root["models"], Message("every model once"))
    return found


def locked_model(models: Mapping[str, LockedModel], name: str, path: str | Path) -> LockedModel:
    """Returns a model of a lock file.

    Raises:
        LockMismatchError: The file does not hold it.
    """
    for known, model in models.items():
        if fold(known) == fold(name):
            return model
    raise LockMismatchError(
        "{name} is not in {path}, which holds {models:, }.",
        "Run: zoo lock {wanted: }",
        name=name,
        path=path,
        models=sorted(models) or [Message("no model")],
        wanted=[shlex.quote(wanted) for wanted in sorted([*models, name])],
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _model_document(model: LockedModel) -> dict[str, Any]:
    weights = {
        kind: asdict(files) | {"files": manifest_document(files.files, stamps=False)}
        for kind, files in sorted(model.weights.items())
    }
    return {
        "name": model.name,
        "plugin": {"distribution": model.distribution, "version": model.version},
        "preprocess": model.preprocess,
        "labels": model.labels,
        "weights": weights,
        "engine": None if model.engine is None else _engine_document(model.engine),
    }


def _engine_document(engine: LockedEngine) -> dict[str, Any]:
    return {
        "name": engine.name,
        "plugin": {"distribution": engine.distribution, "version": engine.version},
        "libraries": list(engine.libraries),
        "precision": engine.precision,
        "processor": engine.processor,
        "calibration": engine.calibration,
    }


def _engine(item: dict[str, Any]) -> LockedEngine:
    plugin = item["plugin"]
    return LockedEngine(
        item["name"],
        plugin["distribution"],
        plugin["version"],
        tuple(item["libraries"]),
        item["precision"],
        item["processor"],
        item.get("calibration", ""),
    )


def _locked(item: dict[str, Any]) -> LockedModel:
    weights: dict[Kind, LockedFiles] = {
        kind: LockedFiles(files["url"], files["size"], files["sha256"], entries(files["files"]))
        for kind, files in item["weights"].items()
    }
    plugin, engine = item["plugin"], item.get("engine")
    return LockedModel(
        item["name"],
        plugin["distribution"],
        plugin["version"],
        item["preprocess"],
        item["labels"],
        weights,
        None if engine is None else _engine(engine),
    )

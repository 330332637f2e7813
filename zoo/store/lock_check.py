"""What is here compared with what a lock file holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from zoo.contract.labels import LabelSet
from zoo.contract.spec import Step
from zoo.errors import LockMismatchError
from zoo.message import Message
from zoo.registry.names import canonical_distribution
from zoo.registry.records import Kind
from zoo.store.lock import LockedFiles, LockedModel, labels_digest, preprocess_digest
from zoo.store.manifest import Manifest, tree_digest


def check_plugin(locked: LockedModel, distribution: str, version: str) -> None:
    """Compares the installed plugin with the locked one.

    Raises:
        LockMismatchError: It is another distribution or version.
    """
    if (locked.distribution, locked.version) != (distribution, version):
        same = canonical_distribution(locked.distribution) == canonical_distribution(distribution)
        raise LockMismatchError(
            "{model} was locked with {distribution} {locked_version}; {installed} {version} is installed.",
            # A file may not say what is installed: only another version of what is here already.
            "Install {distribution} {locked_version} from where it came (zoo's own: in a clone of zoo of that version, "
            "pip install ./plugins/{distribution}), or agree on the new one: zoo lock {model}"
            if same
            else "Run: zoo lock {model}  (only if the change is wanted)",
            model=locked.name,
            distribution=locked.distribution,
            locked_version=locked.version,
            installed=distribution,
            version=version,
        )


def check_files(locked: LockedModel, kind: Kind, files: Manifest) -> None:
    """Compares files with the locked ones.

    Raises:
        LockMismatchError: A file is missing, added or different.
    """
    expected = locked_files(locked, kind).files
    if tree_digest(expected) == tree_digest(files):
        return
    before = {entry.name: entry.sha256 for entry in expected}
    after = {entry.name: entry.sha256 for entry in files}
    parts = [
        *(Message("{name} is missing", name=name) for name in before.keys() - after.keys()),
        *(Message("{name} is new", name=name) for name in after.keys() - before.keys()),
        *(
            Message("{name} has sha256 {after} instead of {before}", name=name, after=after[name], before=before[name])
            for name in before.keys() & after.keys()
            if before[name] != after[name]
        ),
    ]
    _refuse(locked, Message("other {kind} files: {parts:; }", kind=kind, parts=sorted(parts)))


def check_download(locked: LockedModel, kind: Kind, sha256: str) -> None:
    """Compares the digest of a download with the locked one.

    Raises:
        LockMismatchError: It is another.
    """
    expected = locked_files(locked, kind).sha256
    if sha256 != expected:
        _refuse(
            locked,
            Message(
                "a download with sha256 {sha256} instead of {expected}",
                sha256=sha256 or "none",
                expected=expected or "none",
            ),
        )


def check_meaning(locked: LockedModel, preprocess: Iterable[Step], labels: LabelSet) -> None:
    """Compares preprocessing and labels with the locked ones.

    Raises:
        LockMismatchError: They are others.
    """
    if preprocess_digest(preprocess) != locked.preprocess:
        _refuse(locked, Message("another preprocessing"))
    if labels_digest(labels) != locked.labels:
        _refuse(locked, Message("other classes or colours"))


def locked_files(locked: LockedModel, kind: Kind) -> LockedFiles:
    """Returns the locked files of a kind.

    Raises:
        LockMismatchError: There are none.
    """
    files = locked.weights.get(kind)
    if files is None:
        raise LockMismatchError(
            "The lock holds no {kind} files of {model}, only {weights:, }.",
            "Run: zoo lock {model} --weights {kind}",
            kind=kind,
            model=locked.name,
            weights=sorted(locked.weights),
        )
    return files


def _refuse(locked: LockedModel, difference: str) -> NoReturn:
    raise LockMismatchError(
        "{model} has {difference}. Exactly what the lock holds was expected.",
        "Run: zoo lock {model}  (only if the change is wanted)",
        model=locked.name,
        difference=difference,
    )

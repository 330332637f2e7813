"""The engine of a lock file: written down where it was chosen, and held to where the file is used."""

from __future__ import annotations

import logging
import re
from importlib import metadata

from zoo.base.processor import processor
from zoo.bundle.calibration import ranges_digest, read_calibration
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.open import candidates
from zoo.errors import BackendNotInstalledError, LockMismatchError
from zoo.message import Message
from zoo.proof.choice import ASKED, Choice, choose_engine
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import DISABLE, discover
from zoo.registry.names import canonical_distribution
from zoo.settings.rules import VERSION
from zoo.store.lock import LockedEngine, LockedModel

_log = logging.getLogger("zoo.engine")


def locked_engine(candidate: Candidate, program: Program) -> LockedEngine:
    """Returns the engine of a program as a lock file holds it.

    Raises:
        BundleError: The calibration of the program is damaged.
    """
    owner = candidate.backend.owner
    return LockedEngine(
        candidate.backend.name,
        owner.distribution,
        owner.version,
        candidate.libraries,
        candidate.precision,
        processor(),
        _calibration(candidate, program),
    )


def _calibration(candidate: Candidate, program: Program) -> str:
    calibrated = candidate.precision == "int8" and candidate.backend.calibrates
    return ranges_digest(read_calibration(program)) if calibrated else ""


def choose_as_locked(
    locked: LockedModel, program: Program, device: str, engine: str, threads: int, precision: Precision | None
) -> Choice:
    """Chooses an engine for a program: that of a lock file, unless the caller names another one.

    Args:
        locked: The model as it was agreed on.
        program: Its program.
        device: As in `choose_engine`.
        engine: See there; "auto" takes the locked one, where one is locked.
        threads: See there.
        precision: See there; None takes the locked one, else float32.

    Raises:
        LockMismatchError: The locked engine is not here, or in another version.
        ZooError: As `choose_engine`.
    """
    agreed = locked.engine
    wanted: Precision = precision or ("float32" if agreed is None else agreed.precision)
    if agreed is None or engine not in ("auto", agreed.name):
        return choose_engine(program, device, engine, threads, wanted)
    _check(locked.name, agreed, program, device, wanted)
    why = ASKED if precision not in (None, agreed.precision) else Message("as the lock file says")
    return choose_engine(program, device, agreed.name, threads, wanted, why)


def _check(model: str, agreed: LockedEngine, program: Program, device: str, precision: Precision) -> None:
    """Compares what is installed with what was agreed on.

    Raises:
        LockMismatchError: The engine cannot be used here, or it is another version.
    """
    if agreed.name not in discover("zoo.backends").backends:
        raise _absent(model, agreed, Message("it is not installed"), _install(model, agreed))
    try:
        [found] = candidates(program, device, agreed.name, precision)
    except BackendNotInstalledError as error:
        raise _absent(model, agreed, error.values.get("reason", error.message), error.hint) from error
    owner = found.backend.owner
    if (agreed.distribution, agreed.version) != (owner.distribution, owner.version):
        raise _other(model, agreed, str(owner.distribution), owner.version, _install(model, agreed))
    if agreed.libraries != found.libraries:
        raise _other(model, agreed, ", ".join(found.libraries), "", _exact(model, agreed, found))
    if precision == agreed.precision and _calibration(found, program) != agreed.calibration:
        raise LockMismatchError(
            "{model} was locked with another int8 calibration than {path}, which gives other masks.",
            Message(
                "Calibrate on the same pictures: zoo optimize {model} --images DIR --precision int8  (or agree on "
                "what is here: zoo lock {model})",
                model=model,
            ),
            model=model,
            path=program.calibration,
        )
    if precision != "float32" and agreed.processor != processor():
        # In float32 another processor changes no class: there the proof says so. Fewer bits are rounded by each kind
        # in its own way.
        _log.warning("%s was locked on another processor, whose masks in %s may differ a little", model, precision)


def _absent(model: str, agreed: LockedEngine, reason: str, hint: str) -> LockMismatchError:
    return LockMismatchError(
        "{model} was locked with the engine {engine} ({versions:, }), which cannot be used here: {reason}.",
        hint,
        model=model,
        engine=agreed.name,
        versions=_versions(agreed),
        reason=reason,
    )


def _other(model: str, agreed: LockedEngine, name: str, version: str, hint: str) -> LockMismatchError:
    return LockMismatchError(
        "{model} was locked with the engine {engine} ({versions:, }); {installed} is installed.",
        hint,
        model=model,
        engine=agreed.name,
        versions=_versions(agreed),
        installed=f"{name} {version}".strip(),
    )


def _versions(agreed: LockedEngine) -> list[str]:
    return [f"{agreed.distribution} {agreed.version}", *agreed.libraries]


def _install(model: str, agreed: LockedEngine) -> Message:
    """Returns how to get an engine. A file may not say what is installed: only what is ours, or here already."""
    wanted = canonical_distribution(agreed.distribution)
    plugins = discover("zoo.backends").plugins
    if any(plugin.disabled and canonical_distribution(plugin.distribution) == wanted for plugin in plugins):
        return Message("Run: unset {variable}  (it leaves {plugin} out)", variable=DISABLE, plugin=wanted)
    if wanted in {canonical_distribution(engine.distribution) for engine in read_catalogue().engines}:
        return Message(
            "Run in a clone of zoo of version {version}: pip install ./plugins/{distribution}  (or agree on another "
            "engine: zoo lock {model})",
            version=agreed.version,
            distribution=wanted,
            model=model,
        )
    return Message(
        "Install {distribution} {version} from where it came, or agree on another engine: zoo lock {model}",
        distribution=agreed.distribution,
        version=agreed.version,
        model=model,
    )


def _exact(model: str, agreed: LockedEngine, found: Candidate) -> Message:
    """Returns how to get the versions of libraries that are here in another one."""
    here = {library.rpartition(" ")[0] for library in found.libraries}
    known = metadata.packages_distributions()
    wanted: list[str] = []
    for library in agreed.libraries:
        name, _, version = library.rpartition(" ")
        if name in here and re.search(VERSION["pattern"], version):
            wanted.append(f"{known.get(name, [name])[0]}=={version}")
    if not wanted:
        return _install(model, agreed)
    return Message(
        "Run: pip install {wanted: }  (or agree on what is here: zoo lock {model})", wanted=wanted, model=model
    )

"""What each engine is worth for a model on this machine: proven or refused, with what it was compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from zoo.base.home import home
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import Devices, available_cores
from zoo.engine.kit.kept import kept_files
from zoo.engine.kit.library import threads_setting
from zoo.engine.open import candidates
from zoo.errors import BackendNotInstalledError
from zoo.message import Message
from zoo.proof.choice import proofs, refusal
from zoo.proof.chosen import kept_choice, least_agreement
from zoo.proof.record import Proof
from zoo.registry.discovery import discover

#: "unproven" has nothing to be compared with; "unusable" does not run the model here.
Verdict = Literal["proven", "unproven", "refused", "unusable"]


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine for a model on this machine.

    Attributes:
        engine: Its name.
        precision: Precision of its arithmetic.
        verdict: Whether it may run the model.
        reason: Why not; empty where it may.
        reference: What its masks were compared with, such as "golden"; empty where nothing was.
        agreement: Share of the pixels with the class of the reference, 0 to 1; None where nothing was compared.
        milliseconds: Of one picture with all threads, the network alone; None where it did not run.
        setting: How it was set up, such as "oneDNN, 2 threads"; empty where it did not run.
        compiled: Bytes that it keeps on this machine of programs it compiled, of any model.
    """

    engine: str
    precision: Precision
    verdict: Verdict
    reason: str = ""
    reference: str = ""
    agreement: float | None = None
    milliseconds: float | None = None
    setting: str = ""
    compiled: int = 0


def engine_states(program: Program, device: Devices, backend: str, precision: Precision) -> tuple[EngineState, ...]:
    """Returns what each engine is worth for a program, by name; those that were not proven yet are proven now.

    Args:
        program: The program.
        device: Where it is to run.
        backend: Name of the only one that is looked at, or "auto".
        precision: As in `zoo.load`.
    """
    names = sorted(discover("zoo.backends").backends) if backend == "auto" else [backend]
    usable: list[Candidate] = []
    states: dict[str, EngineState] = {}
    for name in names:
        try:
            usable += candidates(program, device, name, precision)
        except BackendNotInstalledError as error:
            states[name] = EngineState(name, precision, "unusable", error.message)
    compiled = Counter[str]()
    for path, size in kept_files():
        compiled[path.relative_to(home() / "engines").parts[0]] += size
    for candidate, proof in zip(usable, proofs(program, usable, device, available_cores()), strict=True):
        chosen = kept_choice(program, candidate.device_name, precision)
        least = least_agreement(chosen, precision)
        state = _state(proof if chosen is None else chosen.held(proof), least, compiled[candidate.backend.name])
        states[state.engine] = state
    return tuple(states[name] for name in names)


def _state(proof: Proof, least: float, compiled: int) -> EngineState:
    about, refused = proof.subject, refusal(proof, least)
    if proof.fault:
        return EngineState(about.engine, about.precision, "refused", refused or "", compiled=compiled)
    return EngineState(
        about.engine,
        about.precision,
        "refused" if refused else "proven" if proof.reference else "unproven",
        refused or "",
        proof.reference,
        proof.agreement if proof.reference else None,
        1000 * proof.seconds,
        _setting(proof.setting),
        compiled,
    )


def _setting(text: str) -> str:
    """Returns a setting, which a child told in English, with its threads as a message, which is translated."""
    before, comma, last = text.rpartition(", ")
    count, _, word = last.partition(" ")
    if not count.isdecimal() or not word.startswith("thread"):
        return text
    threads = threads_setting(int(count))
    return Message("{parts:, }", parts=[before, threads]) if comma else threads

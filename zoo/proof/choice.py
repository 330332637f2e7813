"""Which engine runs a model: the fastest that was proven here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.base.processor import processor
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.open import candidates
from zoo.errors import BackendError
from zoo.message import Message
from zoo.proof.agreement import LEAST
from zoo.proof.chosen import kept_choice
from zoo.proof.measure import prove, references, subject_of
from zoo.proof.record import Proof, kept_proof

_log = logging.getLogger("zoo.engine")
# The command line shows what it says while it lasts.
_trial_log = logging.getLogger("zoo.engine.trial")
#: Why it is an engine that the caller named.
ASKED = Message("asked for")


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and why it was chosen.

    Attributes:
        candidate: The engine on its device.
        why: The reason, a clause for people.
    """

    candidate: Candidate
    why: str


def choose_engine(
    program: Program,
    device: str = "cpu",
    engine: str = "auto",
    threads: int = 1,
    precision: Precision = "float32",
    asked: Message = ASKED,
) -> Choice:
    """Chooses an engine for a program.

    Args:
        program: The program.
        device: As in `zoo.engine.open.candidates`.
        engine: See there; "auto" takes the fastest that is proven.
        threads: With which they are tried.
        precision: See there.
        asked: Why it is this engine, where it is not "auto".

    Raises:
        BackendError: Every engine, or the one that was asked for, gives other masks than the reference, or fails.
        ZooError: As `candidates`.
    """
    usable = candidates(program, device, engine, precision)
    if len(usable) == 1 and usable[0].backend.reference and precision == "float32":
        return Choice(usable[0], asked if engine != "auto" else Message("no other engine can be used"))
    kept = kept_choice(program.digest, usable[0].device_name, precision, processor())
    least = kept.least if kept else LEAST[precision]
    made = proofs(program, usable, device, threads)
    found = list(zip(usable, map(kept.held, made) if kept else made, strict=True))
    if engine != "auto" and found[0][1].fault:
        if found[0][1].killed:
            raise usable[0].ended(program, found[0][1].fault)
        # Its own error says more, and is raised when it is opened.
        return Choice(usable[0], asked)
    refused = [
        Message("{engine}: {reason}", engine=item.name, reason=reason)
        for item, proof in found
        if (reason := refusal(proof, least))
    ]
    accepted = [(proof, item) for item, proof in found if not refusal(proof, least)]
    if not accepted:
        raise BackendError(
            "No engine gives the masks that {program} must give. {refused:; }.",
            Message("Run: zoo doctor") if engine == "auto" else Message("Use backend='auto'"),
            program=program.path,
            refused=refused,
        )
    for reason in refused:
        _log.warning("not used: %s", reason)
    if engine == "auto" and kept and (measured := [item for _, item in accepted if item.backend.name == kept.engine]):
        return Choice(
            measured[0],
            Message("the fastest of those that zoo optimize measured on {count} pictures", count=kept.pictures),
        )
    # One that could not be compared with anything only where there is no other.
    proof, fastest = min(accepted, key=lambda pair: (not pair[0].reference, pair[0].seconds))
    count = sum(bool(proof.reference) for proof, _ in accepted)
    return Choice(fastest, _why(proof, count, None if engine == "auto" else asked))


def proofs(program: Program, usable: Sequence[Candidate], device: str, threads: int) -> list[Proof]:
    """Returns a proof of each engine: what is kept, and the others made now.

    One that could not be compared with anything is made again where there is another engine by now.
    """
    kept = [kept_proof(subject_of(program, candidate)) for candidate in usable]
    others = [] if program.golden else candidates(program, device)
    for place, (candidate, proof) in enumerate(zip(usable, kept, strict=True)):
        if proof and not proof.reference and not proof.fault and references(candidate, others):
            kept[place] = None
    missing = [candidate for candidate, proof in zip(usable, kept, strict=True) if proof is None]
    if not missing:
        return [proof for proof in kept if proof is not None]
    _trial_log.info("first use on this machine, the engines are tried")
    made = iter(prove(program, missing, others, threads))
    proofs = [proof or next(made) for proof in kept]
    for proof in proofs:
        proof.keep()
    return proofs


def refusal(proof: Proof, least: float) -> Message | None:
    """Returns why an engine is not used, as the end of a sentence; None where it is."""
    if proof.fault:
        return Message("{fault}", fault=proof.fault)
    if proof.agreement < least:
        return Message(
            "{share:.3%} of the pixels have the class that {reference} gives them; at least {least:.3%} were expected",
            share=proof.agreement,
            reference=proof.reference,
            least=least,
        )
    return None


def _why(proof: Proof, count: int, asked: Message | None) -> Message:
    if not proof.reference:
        return Message("not proven: there is nothing to compare it with")
    said = Message("{share:.3%} of the pixels as {reference}", share=proof.agreement, reference=proof.reference)
    if asked is not None:
        return Message("{asked}; {said}", asked=asked, said=said)
    if count == 1:
        return Message("the only one that is proven here; {said}", said=said)
    return Message("the fastest of {count} that are proven here; {said}", count=count, said=said)

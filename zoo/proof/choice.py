"""Which engine runs a model: the fastest that was proven here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.base.files import ensure_folder
from zoo.base.home import home
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import Devices, find_devices
from zoo.engine.kit.library import threads_setting
from zoo.engine.open import candidates
from zoo.engine.trial import LOCK_SUFFIX
from zoo.errors import BackendError, CacheError, OutputError, ZooError
from zoo.message import Message
from zoo.proof.agreement import LEAST
from zoo.proof.chosen import kept_choice
from zoo.proof.measure import prove, references, subject_of
from zoo.proof.record import Proof, kept_proof
from zoo.registry.discovery import discover
from zoo.store.exclusive import exclusive

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
    device: str | Devices = "cpu",
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
    meant = find_devices(device, discover("zoo.devices")) if isinstance(device, str) else device
    usable = candidates(program, meant, engine, precision)
    if len(usable) == 1 and usable[0].backend.reference and precision == "float32":
        return Choice(usable[0], asked if engine != "auto" else Message("no other engine can be used"))
    kept = kept_choice(program, usable[0].device_name, precision)
    least = kept.least if kept else LEAST[precision]
    made = proofs(program, usable, meant, threads, again=engine != "auto")
    found = list(zip(usable, map(kept.held, made) if kept else made, strict=True))
    if engine != "auto" and found[0][1].fault:
        raise _failed(program, *found[0], threads)
    refused: list[Message] = []
    for item, proof in found:
        if reason := refusal(proof, least):
            refused.append(Message("{engine}: {reason}", engine=item.name, reason=reason))
            if proof.killed:
                refused[-1] = Message("{refused} (to have it tried again: zoo cache rm --trials)", refused=refused[-1])
    accepted = [(proof, item) for item, proof in found if not refusal(proof, least)]
    if not accepted:
        raise _none_right(program, precision, engine, made, refused)
    for reason in refused:
        _log.warning("not used: %s", reason)
    if engine == "auto" and kept and (measured := [item for _, item in accepted if item.backend.name == kept.engine]):
        return Choice(
            measured[0],
            Message(
                "the fastest of those that zoo optimize measured on {count} pictures, {threads}",
                count=kept.pictures,
                threads=threads_setting(kept.threads),
            ),
        )
    # One that could not be compared with anything only where there is no other.
    proof, fastest = min(accepted, key=lambda pair: (not pair[0].reference, pair[0].seconds))
    count = sum(bool(proof.reference) for proof, _ in accepted)
    return Choice(fastest, _why(proof, count, None if engine == "auto" else asked))


def _failed(program: Program, item: Candidate, proof: Proof, threads: int) -> ZooError:
    """Returns the error of an engine that was asked for by name and failed in its trial."""
    if proof.killed or not proof.hint:
        # No error of zoo ended it.
        return item.ended(program, proof.fault)
    try:
        # Its own error says more.
        item.opener(program)(threads).close()
    except ZooError as error:
        return error
    return BackendError("{reason}.", "{hint}", reason=proof.fault, hint=proof.hint)


def _none_right(
    program: Program, precision: Precision, engine: str, made: Sequence[Proof], refused: Sequence[Message]
) -> BackendError:
    """Returns the error where no engine may be used."""
    if all(proof.fault for proof in made):
        hint = next((proof.hint for proof in made if proof.hint), "Run: zoo doctor")
        return BackendError(
            "No engine can run {program}. {refused:; }.", "{hint}", program=program.path, refused=refused, hint=hint
        )
    if precision != "float32":
        hint = Message(
            "If that is enough, run: zoo optimize MODEL --images DIR --precision {precision} --min-agreement SHARE",
            precision=precision,
        )
    else:
        hint = Message("Run: zoo doctor") if engine == "auto" else Message("Use backend='auto'")
    return BackendError(
        "No engine gives the masks that {program} must give. {refused:; }.", hint, program=program.path, refused=refused
    )


def proofs(
    program: Program, usable: Sequence[Candidate], device: Devices, threads: int, *, again: bool = False
) -> list[Proof]:
    """Returns a proof of each engine: what is kept, and the others made now, by one process at a time.

    One that could not be compared with anything is made again where there is another engine by now.

    Args:
        program: The program.
        usable: The engines.
        device: As in `choose_engine`.
        threads: See there.
        again: Whether those that failed are tried again.
    """
    others = [] if program.golden else candidates(program, device)

    def found() -> list[Proof | None]:
        kept = [kept_proof(subject_of(program, candidate)) for candidate in usable]
        return [
            None if proof is None or _outdated(proof, candidate, others, again) else proof
            for candidate, proof in zip(usable, kept, strict=True)
        ]

    kept = found()
    if None not in kept:
        return [proof for proof in kept if proof is not None]
    with contextlib.ExitStack() as stack:
        # Without a folder for it each makes its own.
        with contextlib.suppress(CacheError, OutputError):
            folder = ensure_folder(home() / "engines")
            stack.enter_context(exclusive(folder / f"{program.digest}{LOCK_SUFFIX}"))
            kept = found()
        missing = [candidate for candidate, proof in zip(usable, kept, strict=True) if proof is None]
        if missing:
            _trial_log.info("first use on this machine, the engines are tried")
        made = iter(prove(program, missing, others, threads))
        proofs = [proof or next(made) for proof in kept]
        for proof in proofs:
            proof.keep()
    return proofs


def _outdated(proof: Proof, candidate: Candidate, others: Sequence[Candidate], again: bool) -> bool:
    """Whether a proof that is kept is to be made again."""
    return again if proof.fault else not proof.reference and bool(references(candidate, others))


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

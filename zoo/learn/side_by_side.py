"""Engines side by side on the same pictures: what each costs, and whether its masks may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.base.processor import processor
from zoo.bundle.bundle import Bundle
from zoo.bundle.calibration import read_calibrated
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import find_devices
from zoo.engine.open import candidates, open_engine
from zoo.engine.samples import made_up_picture
from zoo.errors import CacheError, ConfigError, OutputError
from zoo.learn.calibrate import Inputs
from zoo.learn.data import Sample
from zoo.learn.evaluation import evaluate
from zoo.picture.sources import Source
from zoo.predict.model import Model
from zoo.proof.agreement import LEAST, agreement
from zoo.proof.choice import proofs, refusal
from zoo.proof.chosen import Chosen
from zoo.proof.measure import Measured, measure
from zoo.proof.record import calibration_used
from zoo.registry.discovery import discover

#: Most pictures that are measured on.
MOST = 20
# So many at once show what streams bring.
_MANY = 16


@dataclass(frozen=True, slots=True)
class Row:
    """What an engine does for a model.

    Attributes:
        engine: Its name.
        precision: Precision of its arithmetic.
        milliseconds: Of one picture with all threads.
        rate: Pictures a second with all streams, the network alone.
        memory: Most memory of its process, in bytes.
        agreement: Share of the pixels with the class that the reference gives them.
        refused: Why it is not used; empty where it may be.
        miou: Mean IoU on labelled pictures, 0 to 1; None where none were given, or it is not used.
    """

    engine: str
    precision: Precision
    milliseconds: float
    rate: float
    memory: int
    agreement: float
    refused: str
    miou: float | None = None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Engines on the same pictures; see `zoo.learn.optimize.Comparison`."""

    reference: str
    pictures: int
    rows: tuple[Row, ...]
    chosen: dict[Precision, str]
    unkept: str


@dataclass(frozen=True)
class How:
    """What is compared, and how; see `zoo.learn.optimize.optimize`."""

    bundle: Bundle
    source: Source | None
    device: str
    precisions: tuple[Precision, ...]
    least: float | None
    threads: int
    samples: Sequence[Sample]

    def bound(self, precision: Precision) -> float:
        """Returns the smallest share of pixels that must agree."""
        return LEAST[precision] if self.least is None else self.least


def compare_engines(how: How, program: Program) -> SideBySide:
    """Measures the engines that run a program, and keeps what was found."""
    device, threads = find_devices(how.device, discover("zoo.devices")), how.threads
    found = [item for precision in how.precisions for item in candidates(program, device, precision=precision)]
    exact = candidates(program, device)
    pictures = _pictures(how, program)
    measured: dict[str, Measured] = {}

    def run(item: Candidate) -> Measured:
        if item.name not in measured:
            measured[item.name] = measure(program, item, pictures, threads, _MANY)
        return measured[item.name]

    # One that fails is nothing to compare with.
    ordered = sorted(exact, key=lambda item: not item.backend.reference)
    reference = next((item for item in ordered if run(item).outputs), None)
    expected = () if reference is None else measured[reference.name].outputs
    named = "" if reference is None else ", ".join(reference.libraries) or reference.name
    made = proofs(program, found, device, threads, again=True)
    shares: dict[str, float] = {}
    for candidate, proof in zip(found, made, strict=True):
        outputs = run(candidate).outputs
        pairs = zip(outputs, expected, strict=True) if outputs and expected else ()
        shares[proof.subject.digest] = _mean(
            [agreement(*pair, program.output_stride, program.threshold) for pair in pairs]
        )
    # In turn a second time: what else the machine does for a while must not choose the engine.
    for candidate in found:
        if measured[candidate.name].outputs:
            again = measure(program, candidate, pictures, threads, _MANY)
            measured[candidate.name] = _better(measured[candidate.name], again)
    choices = {
        precision: Chosen(
            program.digest,
            exact[0].device_name,
            precision,
            processor(),
            "",
            how.bound(precision),
            len(pictures),
            named,
            shares,
            threads,
            calibration_used(program, precision),
        )
        for precision in how.precisions
    }
    rows: list[Row] = []
    for candidate, proof in zip(found, made, strict=True):
        ran, choice = measured[candidate.name], choices[candidate.precision]
        refused = ran.fault or refusal(choice.held(proof), choice.least) or ""
        miou = _miou(how, program, candidate) if how.samples and not refused else None
        cost = 1000 * ran.seconds, ran.rate, ran.memory
        share = shares[proof.subject.digest]
        rows.append(Row(candidate.backend.name, candidate.precision, *cost, share, refused, miou))
    rows.sort(key=lambda row: (bool(row.refused), -row.rate))
    chosen: dict[Precision, str] = {}
    for row in rows:
        if not row.refused:
            chosen.setdefault(row.precision, row.engine)
    unkept = ""
    try:
        for choice in choices.values():
            replace(choice, engine=chosen.get(choice.precision, "")).keep()
    except (CacheError, OutputError) as error:
        # What was measured is shown all the same.
        unkept = error.message
    return SideBySide(named, len(pictures), tuple(rows), chosen, unkept)


def _pictures(how: How, program: Program) -> list[NDArray[np.float32]]:
    """Returns the inputs to measure on: a made-up one says nothing of what was calibrated on pictures.

    Raises:
        ConfigError: There is none.
        BundleError: The calibration is damaged.
    """
    if how.source is None and "int8" in how.precisions and program.calibration is not None:
        return [read_calibrated(program.calibration, program.digest).golden.batch]
    pictures = list(Inputs(how.bundle, made_up_picture() if how.source is None else how.source, 0, MOST))
    if not pictures:
        raise ConfigError("{source} holds no picture.", "Give a folder of pictures.", source=how.source)
    return pictures


def _better(first: Measured, second: Measured) -> Measured:
    """Returns what an engine costs where nothing else took its time."""
    if second.fault:
        return first
    return replace(
        first,
        seconds=min(first.seconds, second.seconds),
        opening=min(first.opening, second.opening),
        memory=min(first.memory, second.memory),
        rate=max(first.rate, second.rate),
    )


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0


def _miou(how: How, program: Program, candidate: Candidate) -> float:
    with Model(how.bundle, open_engine(program, candidate, how.threads)) as model:
        return float(evaluate(model, how.samples).confusion.miou)

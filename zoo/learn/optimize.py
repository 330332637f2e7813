"""Which engine is the best for a model on this machine, measured on one's own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from zoo.base.processor import processor
from zoo.bundle.bundle import Bundle
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import available_cores
from zoo.engine.open import candidates, open_engine
from zoo.engine.samples import made_up_picture
from zoo.errors import ConfigError
from zoo.learn.data import Sample
from zoo.learn.evaluation import evaluate
from zoo.picture.sources import Source, SourceOptions, inputs
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.plan import make_plan
from zoo.predict.steps import Prepared, batches, prepare
from zoo.proof.agreement import LEAST, agreement
from zoo.proof.choice import proofs, refusal
from zoo.proof.chosen import Chosen
from zoo.proof.measure import Measured, measure

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
class Comparison:
    """Engines of this machine for a model.

    Attributes:
        model: Name of the model.
        reference: The engine that the others are compared with, exact; empty where none ran.
        pictures: How many pictures they ran.
        rows: The engines, those that are used first, by what they do a second.
        chosen: What is taken from now on, by precision.
    """

    model: str
    reference: str
    pictures: int
    rows: tuple[Row, ...]
    chosen: dict[Precision, str]


def optimize(
    bundle: Bundle,
    source: Source | None = None,
    *,
    device: str = "cpu",
    precisions: Sequence[Precision] = ("float32",),
    least: float | None = None,
    threads: int | None = None,
    samples: Sequence[Sample] = (),
) -> Comparison:
    """Measures every engine that runs a model, and keeps the fastest of those whose masks agree, for `backend="auto"`.

    Args:
        bundle: The model.
        source: Pictures, as of `Model.predict`, of folders with their sub-folders; the first `MOST` are taken. By
            default those of `samples`, else a made-up one.
        device: The device.
        precisions: Those to try. What is found for one is used where that one is asked for, and nowhere else.
        least: Smallest share of pixels whose class stays the same; by default 0.9999 in float32, else 0.995.
        threads: Threads of each engine; by default as many as cores are available.
        samples: Labelled pictures, to tell the mIoU of each engine too.

    Raises:
        BackendNotInstalledError: No engine runs the model in one of the precisions.
        ConfigError: There is no picture, or `least` is no share.
        SourceError: A picture cannot be read.
        BundleError: The model is damaged.
    """
    if least is not None and not 0 <= least <= 1:
        raise ConfigError(
            "min_agreement is {value}. A share from 0 to 1 was expected.", "Give 0.995, or leave it out.", value=least
        )
    program, threads = bundle.verify(), threads or available_cores()
    found = [item for precision in precisions for item in candidates(program, device, precision=precision)]
    exact = candidates(program, device)
    pictures = _pictures(bundle, source, samples)
    measured: dict[str, Measured] = {}

    def run(item: Candidate) -> Measured:
        if item.name not in measured:
            measured[item.name] = measure(program, item, pictures, threads, _MANY)
        return measured[item.name]

    # One that fails is nothing to compare with.
    ordered = sorted(exact, key=lambda item: not item.backend.reference)
    reference = next((item.name for item in ordered if run(item).outputs), "")
    expected = measured[reference].outputs if reference else ()
    rows: list[Row] = []
    for candidate, proof in zip(found, proofs(program, found, device, threads), strict=True):
        bound, ran = LEAST[candidate.precision] if least is None else least, run(candidate)
        pairs = list(zip(ran.outputs, expected, strict=True)) if ran.outputs and expected else []
        share = _mean([agreement(*pair, program.output_stride) for pair in pairs])
        refused = ran.fault or refusal(replace(proof, agreement=min(share, proof.agreement)), bound) or ""
        miou = _miou(bundle, program, candidate, threads, samples) if samples and not refused else None
        rows.append(
            Row(
                candidate.backend.name,
                candidate.precision,
                1000 * ran.seconds,
                ran.rate,
                ran.memory,
                share,
                refused,
                miou,
            )
        )
    rows.sort(key=lambda row: (bool(row.refused), -row.rate))
    chosen: dict[Precision, str] = {}
    for row in rows:
        if not row.refused and row.precision not in chosen:
            chosen[row.precision] = row.engine
            bound = LEAST[row.precision] if least is None else least
            name = exact[0].device_name
            Chosen(program.digest, name, row.precision, processor(), row.engine, bound, len(pictures)).keep()
    return Comparison(bundle.model, reference, len(pictures), tuple(rows), chosen)


def _pictures(bundle: Bundle, source: Source | None, samples: Sequence[Sample]) -> list[NDArray[np.float32]]:
    plan = make_plan(bundle, RunOptions())
    if source is None:
        source = [str(sample.image) for sample in samples] or made_up_picture()
    made: list[NDArray[np.float32]] = []
    for item in islice(inputs(source, SourceOptions(recursive=True)), MOST):
        prepared = prepare(item, plan)
        if not isinstance(prepared, Prepared):
            raise prepared.error
        made += batches(prepared, plan)
    if not made:
        raise ConfigError("{source} holds no picture.", "Give a folder of pictures.", source=source)
    return made


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0


def _miou(bundle: Bundle, program: Program, candidate: Candidate, threads: int, samples: Sequence[Sample]) -> float:
    with Model(bundle, open_engine(program, candidate, threads)) as model:
        return float(evaluate(model, samples).confusion.miou)

"""Which engine is the best for a model on this machine, measured on one's own pictures."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

from zoo.base.processor import processor
from zoo.bundle.bundle import Bundle
from zoo.bundle.calibration import FILE, Calibrated, calibration_path, write_calibration
from zoo.contract.engine import Precision, Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import available_cores
from zoo.engine.open import candidates, open_engine
from zoo.engine.samples import made_up_picture
from zoo.errors import ConfigError
from zoo.learn.calibrate import MOST as MOST_CALIBRATED
from zoo.learn.calibrate import Inputs, calibrate, check_target, write_calibrated
from zoo.learn.data import Sample
from zoo.learn.evaluation import evaluate
from zoo.picture.sources import Source, SourceOptions, inputs
from zoo.predict.model import Model
from zoo.proof.agreement import LEAST, agreement
from zoo.proof.choice import proofs, refusal
from zoo.proof.chosen import Chosen
from zoo.proof.measure import Measured, measure

# The command line shows what it says while it lasts.
_trial_log = logging.getLogger("zoo.engine.trial")
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
class Int8:
    """A calibration for int8.

    Attributes:
        engine: Name of the engine it is for.
        libraries: What found it, such as "nncf 3.4.0".
        pictures: How many inputs it was made on.
        pictures_sha256: SHA-256 over them, see `zoo.bundle.calibration.Calibrated`.
        layers: How many layers compute in 8 bits.
        of: How many could.
        seconds: How long it took.
        kept: The file it is in; empty where the masks were not kept, so that it is in none.
    """

    engine: str
    libraries: tuple[str, ...]
    pictures: int
    pictures_sha256: str
    layers: int
    of: int
    seconds: float
    kept: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Engines of this machine for a model.

    Attributes:
        model: Name of the model.
        reference: The engine that the others are compared with, exact; empty where none ran.
        pictures: How many pictures they ran.
        rows: The engines, those that are used first, by what they do a second.
        chosen: What is taken from now on, by precision.
        int8: What was calibrated for int8; None where nothing was.
    """

    model: str
    reference: str
    pictures: int
    rows: tuple[Row, ...]
    chosen: dict[Precision, str]
    int8: Int8 | None = None


def optimize(
    bundle: Bundle,
    source: Source | None = None,
    *,
    device: str = "cpu",
    precisions: Sequence[Precision] = ("float32",),
    least: float | None = None,
    threads: int | None = None,
    samples: Sequence[Sample] = (),
    output: Path | None = None,
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
        output: Where to write an export folder that carries what is found for int8, new or empty; by default it is kept
            on this machine for the model. Engines that need it are calibrated where pictures are given.

    Raises:
        BackendNotInstalledError: No engine runs the model in one of the precisions, or int8 is not calibrated and no
            pictures are given.
        BackendError: The engine cannot calibrate the model, or no part of it keeps the masks in int8.
        ConfigError: There is no picture, `least` is no share, `output` has no use, or is missing for a folder that
            carries a calibration of its own.
        ExportError: `output` is not empty, or the folder of the model is not one of zoo.
        SourceError: A picture cannot be read.
        BundleError: The model is damaged.
        OutputError: What was found cannot be written.
    """
    if least is not None and not 0 <= least <= 1:
        raise ConfigError(
            "min_agreement is {value}. A share from 0 to 1 was expected.", "Give 0.995, or leave it out.", value=least
        )
    program, threads = bundle.verify(), threads or available_cores()
    calibrating = "int8" in precisions and (source is not None or bool(samples))
    if calibrating or output is not None:
        check_target(bundle, output, calibrating)
    if source is None:
        source = [str(sample.image) for sample in samples] or made_up_picture()
    elif isinstance(source, Iterator):
        source = list(islice(cast("Iterator[Source]", source), MOST + MOST_CALIBRATED))
    if calibrating:
        source = _listed(source)
    how = _How(bundle, source, device, tuple(precisions), least, threads, samples)
    if not calibrating:
        return _compared(how, program)
    with tempfile.TemporaryDirectory(prefix="zoo-int8-") as folder:
        _trial_log.info("int8 is calibrated on the pictures")
        began = time.perf_counter()
        file = Path(folder) / FILE
        program = replace(program, calibration=file)
        [*_, engine] = sorted(candidates(program, device, precision="int8"), key=lambda item: item.backend.calibrates)
        record = calibrate(bundle, program, engine, source, MOST, threads, how.bound("int8"))
        seconds = time.perf_counter() - began
        write_calibration(record, file)
        comparison = _compared(how, program)
    kept = _kept(bundle, record, output) if "int8" in comparison.chosen else None
    return replace(comparison, int8=_summary(record, seconds, kept))


def _listed(source: Source) -> Source:
    """Returns the files of a source, which is then walked several times; one that is not only files as it is."""
    found = islice(inputs(source, SourceOptions(recursive=True)), MOST + MOST_CALIBRATED)
    files = [item.uri for item in found]
    return files if files and all(map(os.path.isfile, files)) else source


@dataclass(frozen=True)
class _How:
    """What is compared; see `optimize`."""

    bundle: Bundle
    source: Source
    device: str
    precisions: tuple[Precision, ...]
    least: float | None
    threads: int
    samples: Sequence[Sample]

    def bound(self, precision: Precision) -> float:
        return LEAST[precision] if self.least is None else self.least


def _compared(how: _How, program: Program) -> Comparison:
    """Measures the engines that run a program."""
    device, threads = how.device, how.threads
    found = [item for precision in how.precisions for item in candidates(program, device, precision=precision)]
    exact = candidates(program, device)
    pictures = list(Inputs(how.bundle, how.source, 0, MOST))
    if not pictures:
        raise ConfigError("{source} holds no picture.", "Give a folder of pictures.", source=how.source)
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
        ran = run(candidate)
        pairs = list(zip(ran.outputs, expected, strict=True)) if ran.outputs and expected else []
        share = _mean([agreement(*pair, program.output_stride, program.threshold) for pair in pairs])
        refused = (
            ran.fault
            or refusal(replace(proof, agreement=min(share, proof.agreement)), how.bound(candidate.precision))
            or ""
        )
        miou = _miou(how, program, candidate) if how.samples and not refused else None
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
            about = program.digest, exact[0].device_name, row.precision, processor()
            Chosen(*about, row.engine, how.bound(row.precision), len(pictures)).keep()
    return Comparison(how.bundle.model, reference, len(pictures), tuple(rows), chosen)


def _kept(bundle: Bundle, record: Calibrated, output: Path | None) -> Path:
    """Keeps a calibration whose masks were accepted, and returns its file."""
    if output is None:
        return write_calibration(record, calibration_path(record.program))
    return write_calibrated(bundle, record, output).folder / FILE


def _summary(record: Calibrated, seconds: float, kept: Path | None) -> Int8:
    found = record.calibration
    about = record.engine, found.libraries, record.pictures, record.pictures_sha256, len(found.layers), found.of
    return Int8(*about, seconds, "" if kept is None else str(kept))


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0


def _miou(how: _How, program: Program, candidate: Candidate) -> float:
    with Model(how.bundle, open_engine(program, candidate, how.threads)) as model:
        return float(evaluate(model, how.samples).confusion.miou)

"""Runs engines on the same inputs, each in a process of its own, and compares what they return."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import replacing
from zoo.base.home import home
from zoo.base.peak_memory import peak_memory
from zoo.base.processor import processor
from zoo.bundle.calibration import read_calibrated
from zoo.bundle.golden import Golden, read_golden
from zoo.contract.engine import Precision, Program, Request, Session
from zoo.engine.candidate import Candidate
from zoo.engine.engine import Engine
from zoo.engine.guard import GuardedBackend, GuardedDevice, plain
from zoo.engine.jobs import program_of
from zoo.engine.open import candidates, open_engine
from zoo.engine.samples import smooth_noise, trial_shapes
from zoo.engine.trial import in_child
from zoo.errors import BackendNotInstalledError, DeviceError, ZooError
from zoo.proof.agreement import agreement
from zoo.proof.record import Proof, Subject, calibration_used
from zoo.registry.discovery import discover

_SECONDS = 600.0
_RUNS = 3
_ROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What an engine made of inputs, and what it cost; see `Proof`.

    Attributes:
        outputs: One for each input; empty where it failed.
        rate: Inputs a second with all streams, where that was asked for; else 0.
    """

    outputs: Sequence[NDArray[Any]]
    seconds: float = 0.0
    opening: float = 0.0
    memory: int = 0
    rate: float = 0.0
    fault: str = ""
    hint: str = ""
    lasting: bool = True
    killed: bool = False
    setting: str = ""


def prove(program: Program, engines: Sequence[Candidate], others: Sequence[Candidate], threads: int) -> list[Proof]:
    """Holds engines against a reference: the golden of the program, else its own library, else the other engine.

    Its own library is held against itself where there is no golden.

    Args:
        program: The program.
        engines: What to prove.
        others: Engines that may serve as a reference.
        threads: Threads of each.

    Returns:
        A proof for each engine; it is not kept yet.

    Raises:
        BundleError: The golden is damaged.
    """
    proofs: dict[str, Proof] = {}
    for golden in dict.fromkeys(_golden(program, candidate) for candidate in engines):
        those = [candidate for candidate in engines if _golden(program, candidate) == golden]
        proofs.update(_proved(program, those, others, threads, golden))
    return [proofs[candidate.name] for candidate in engines]


def _golden(program: Program, candidate: Candidate) -> Path | None:
    """Returns the file of the golden; what is made for pictures is held against one of them."""
    return program.calibration if candidate.precision == "int8" and program.calibration else program.golden


def _proved(
    program: Program, engines: Sequence[Candidate], others: Sequence[Candidate], threads: int, file: Path | None
) -> dict[str, Proof]:
    golden = None if file is None else _read(file, program)
    inputs = _inputs(program) if golden is None else [golden.batch]
    height, width = inputs[0].shape[2:]
    size = int(height), int(width)
    measured: dict[str, Measured] = {}

    def run(candidate: Candidate) -> Measured:
        if candidate.name not in measured:
            measured[candidate.name] = measure(program, candidate, inputs, threads)
        return measured[candidate.name]

    def expected(candidate: Candidate) -> tuple[str, Sequence[NDArray[Any]]]:
        if golden is not None:
            return "golden" if file == program.golden else "float32", [golden.output]
        own = [candidate] if candidate.backend.reference and candidate.precision == "float32" else []
        for other in [*own, *references(candidate, [*engines, *others])]:
            if outputs := run(other).outputs:
                return ", ".join(other.libraries) or other.name, outputs
        return "", []

    return {
        candidate.name: _proof(program, subject_of(program, candidate), run(candidate), size, *expected(candidate))
        for candidate in engines
    }


def subject_of(program: Program, candidate: Candidate) -> Subject:
    """Returns what a proof of an engine is about."""
    calibration = calibration_used(program, candidate.precision)
    return Subject(
        program.digest,
        candidate.backend.name,
        candidate.precision,
        candidate.device_name,
        processor(),
        (*candidate.versions, *([f"calibration {calibration}"] if calibration else [])),
    )


def _read(file: Path, program: Program) -> Golden:
    return read_golden(file) if file == program.golden else read_calibrated(file, program.digest).golden


def references(candidate: Candidate, others: Sequence[Candidate]) -> list[Candidate]:
    """Returns what a candidate may be compared with: first what runs programs in the library that wrote them."""
    exact = [other for other in others if other.precision == "float32" and other.backend.name != candidate.backend.name]
    if candidate.precision != "float32" and candidate.backend.reference:
        exact.append(replace(candidate, precision="float32"))
    return sorted(exact, key=lambda other: (not other.backend.reference, other.backend.name))


def _proof(
    program: Program,
    subject: Subject,
    ran: Measured,
    size: tuple[int, int],
    reference: str,
    expected: Sequence[NDArray[Any]],
) -> Proof:
    pairs = zip(ran.outputs, expected, strict=True) if ran.outputs and expected else ()
    share = min((agreement(*pair, program.output_stride, program.threshold) for pair in pairs), default=1.0)
    cost = ran.seconds, ran.opening, ran.memory, *size
    return Proof(subject, reference, share, *cost, ran.fault, ran.hint, ran.lasting, ran.killed, ran.setting)


def _inputs(program: Program) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [smooth_noise(rng, shape) for shape in trial_shapes(program.input_shape)]


def measure(
    program: Program,
    candidate: Candidate,
    inputs: Sequence[NDArray[np.float32]],
    threads: int,
    many: int = 0,
) -> Measured:
    """Runs an engine on inputs in a process of its own.

    Args:
        program: The program.
        candidate: The engine.
        inputs: Batches (N, C, H, W) float32.
        threads: Its threads.
        many: How many inputs to run at once at the end, to see how many it does a second; 0 leaves that out.

    Raises:
        OutputError: There is no room for the inputs.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-proof-") as folder:
        given, made = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        with replacing(given) as file:
            np.savez(file, *inputs)
        how = candidate.backend.name, candidate.precision, candidate.device.kind, candidate.index, threads
        outcome = in_child(
            "zoo.proof.measure:trial_run", plain(program), *how, str(given), str(made), many, seconds=_SECONDS
        )
        if outcome.reason is not None:
            return Measured((), fault=outcome.reason, lasting=outcome.lasting, killed=outcome.killed)
        if "fault" in outcome.answer:
            return Measured((), **outcome.answer)
        with np.load(made, allow_pickle=False) as arrays:
            outputs = [arrays[name] for name in arrays.files]
    return Measured(outputs, **outcome.answer)


def trial_run(
    document: dict[str, Any],
    engine: str,
    precision: Precision,
    kind: str,
    index: int,
    threads: int,
    given: str,
    made: str,
    many: int,
) -> dict[str, Any]:
    """Opens a program and runs it on inputs. The job of the child.

    Returns:
        `seconds`, `opening`, `memory`, `rate` and `setting` as a `Measured` has them; or `fault`, `hint` and `lasting`,
        where the engine failed.
    """
    program, found = program_of(document), discover("zoo.devices", "zoo.backends")
    backend, device = found.backends[engine], found.devices[kind]
    guarded = GuardedBackend(backend, found.owner(backend))
    request = Request(
        GuardedDevice(device, found.owner(device)), index, threads, home() / "engines" / engine, precision
    )
    with np.load(given, allow_pickle=False) as arrays:
        inputs = [arrays[name] for name in arrays.files]
    began = time.perf_counter()
    try:
        session = guarded.open(program, request)
        outputs = [session.run(inputs[0])]
        opening = time.perf_counter() - began
        outputs += [session.run(batch) for batch in inputs[1:]]
        seconds = min(_timed(session, inputs[0]) for _ in range(_RUNS))
        setting = str(session.facts.setting)
        session.close()
        rate = _rate(program, f"{kind}:{index}" if index else kind, engine, precision, threads, inputs, many)
    except ZooError as error:
        # What is not installed rightly, or not plugged in, may be so the next time.
        lasting = not isinstance(error, (BackendNotInstalledError, DeviceError))
        # The message is the end of other sentences.
        return {"fault": error.message.removesuffix("."), "hint": error.hint, "lasting": lasting}
    np.savez(made, *outputs)
    return {"seconds": seconds, "opening": opening, "memory": peak_memory(), "rate": rate, "setting": setting}


def _timed(session: Session, batch: NDArray[np.float32]) -> float:
    began = time.perf_counter()
    session.run(batch)
    return time.perf_counter() - began


def _rate(
    program: Program,
    device: str,
    engine: str,
    precision: Precision,
    threads: int,
    inputs: Sequence[NDArray[np.float32]],
    many: int,
) -> float:
    """Returns how many inputs a second an engine does with all its streams."""
    if not many:
        return 0.0
    [candidate] = candidates(program, device, engine, precision)
    opened = open_engine(program, candidate, threads)
    wanted = list(islice(cycle(inputs), many))
    # Streams are opened when batches have stood in line, in the first round.
    seconds = min([_timed_together(opened, wanted) for _ in range(1 + _ROUNDS)][1:])
    opened.close()
    return many / seconds


def _timed_together(engine: Engine, batches: Sequence[NDArray[np.float32]]) -> float:
    began = time.perf_counter()
    for answer in [engine.submit(batch) for batch in batches]:
        answer.result()
    return time.perf_counter() - began

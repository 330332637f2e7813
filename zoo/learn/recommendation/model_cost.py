"""What a model costs on one's own pictures: measured in a process of its own, once, and kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.base.files import ensure_folder, write_atomic
from zoo.base.home import home
from zoo.base.peak_memory import peak_memory
from zoo.base.processor import processor
from zoo.contract.engine import Program
from zoo.engine.device import Devices
from zoo.engine.open import candidates
from zoo.engine.trial import COST_SUFFIX, in_child
from zoo.errors import BackendError, CacheError, OutputError, ZooError
from zoo.predict.load import load
from zoo.proof.chosen import kept_choice
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, STRING, array, mapping, number, whole

_log = logging.getLogger("zoo.engine")
#: Longest time that one model may take.
_SECONDS = 1800.0
# The first time of each size opens what the engine keeps for it.
_ROUNDS = 3
# Nobody sees this error: it is measured again.
_KIND = DocumentKind(CacheError)
_SECONDS_RULE = number(0, 1e6)
_SCHEMA = mapping(
    {
        "subject": mapping(
            {
                **dict.fromkeys(("program", "device", "processor", "chosen"), STRING),
                "versions": array(STRING),
                "threads": whole(1, 1 << 30),
                "sizes": array(array(whole(1, 1 << 30), 2, 2)),
            },
            closed=True,
        ),
        "latency": _SECONDS_RULE,
        "opening": _SECONDS_RULE,
        "memory": BYTES,
        **dict.fromkeys(("engine", "precision"), STRING),
    },
    closed=True,
)


@dataclasses.dataclass(frozen=True, slots=True)
class CostSubject:
    """What a measurement is about; another one of these is another measurement.

    Attributes:
        program: Digest of the program.
        device: Name of the device.
        processor: Name and instructions of the processor.
        chosen: The engine that `zoo optimize` chose; empty where it chose none.
        versions: Of the engines that may run it, such as "openvino 2026.4.1".
        threads: Threads of the engine.
        sizes: (height, width) of the pictures.
    """

    program: str
    device: str
    processor: str
    chosen: str
    versions: tuple[str, ...]
    threads: int
    sizes: tuple[tuple[int, int], ...]

    def record(self) -> Path:
        """Returns the file in which the measurement is kept."""
        key = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return home() / "engines" / f"{hashlib.sha256(key.encode()).hexdigest()}{COST_SUFFIX}"


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What a model costs.

    Attributes:
        latency: Seconds from reading one picture to its mask, alone, the median over the pictures of the best of three.
        opening: Seconds until the model was open, with what is only done the first time.
        memory: Most main memory of its process, in bytes.
        engine: What ran it, with its version and setting.
        precision: Of the arithmetic.
    """

    latency: float
    opening: float
    memory: int
    engine: str
    precision: str


def cost_subject(program: Program, devices: Devices, threads: int, sizes: Sequence[tuple[int, int]]) -> CostSubject:
    """Returns what a measurement of a program is about.

    Raises:
        BackendNotInstalledError: No engine runs it on the device.
    """
    usable = candidates(program, devices)
    chosen = kept_choice(program, usable[0].device_name, "float32")
    versions = tuple(dict.fromkeys(version for each in usable for version in each.versions))
    about = program.digest, usable[0].device_name, processor(), chosen.engine if chosen else ""
    return CostSubject(*about, versions, threads, tuple(sizes))


def kept_cost(subject: CostSubject) -> Cost | None:
    """Returns what is kept; None where there is nothing, or something damaged."""
    try:
        fields: dict[str, Any] = conform(read_json(subject.record(), _KIND), _SCHEMA)
    except CacheError:
        return None
    del fields["subject"]
    return Cost(**fields)


def measure_cost(model: str, subject: CostSubject, device: str, pictures: Sequence[str]) -> Cost:
    """Measures a model in a process of its own and keeps what was found.

    Args:
        model: Its name.
        subject: What it is about.
        device: As of `zoo.load`.
        pictures: Paths of picture files.

    Raises:
        ZooError: It cannot be opened or run.
        BackendError: Its process ended.
    """
    job = "zoo.learn.recommendation.model_cost:timed_run"
    outcome = in_child(job, model, device, subject.threads, list(pictures), seconds=_SECONDS)
    if outcome.reason is not None:
        raise BackendError(
            "The process of {model}: {reason}", "Run: zoo doctor {model}", model=model, reason=outcome.reason
        )
    if "fault" in outcome.answer:
        raise BackendError("{fault}", "{hint}", **outcome.answer)
    cost = Cost(**outcome.answer)
    keep_cost(subject, cost)
    return cost


def keep_cost(subject: CostSubject, cost: Cost) -> None:
    """Keeps a measurement. A cache that cannot be written costs the time again, nothing else."""
    try:
        record = subject.record()
        ensure_folder(record.parent)
        document = {"subject": dataclasses.asdict(subject), **dataclasses.asdict(cost)}
        write_atomic(record, json.dumps(document).encode())
    except (CacheError, OutputError) as error:
        _log.info("what a model costs could not be kept: %s", error.message)


def timed_run(model: str, device: str, threads: int, pictures: list[str]) -> dict[str, Any]:
    """Opens a model and times pictures one by one. The job of the child."""
    began = time.perf_counter()
    try:
        with load(model, device=device, threads=threads, offline=True) as opened:
            opening = time.perf_counter() - began
            best = [float("inf")] * len(pictures)
            for _ in range(_ROUNDS):
                for number_, path in enumerate(pictures):
                    start = time.perf_counter()
                    opened.predict(path).one()
                    best[number_] = min(best[number_], time.perf_counter() - start)
            return {
                "latency": statistics.median(best),
                "opening": opening,
                "memory": peak_memory(),
                "engine": opened.engine,
                "precision": opened.precision,
            }
    except ZooError as error:
        return {"fault": error.message, "hint": error.hint}

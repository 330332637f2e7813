"""What was found when an engine was held against a reference, and where it is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from zoo.base.digest import file_sha256
from zoo.base.files import ensure_folder, write_atomic
from zoo.base.home import home
from zoo.contract.engine import Precision, Program
from zoo.engine.trial import PROOF_SUFFIX
from zoo.errors import CacheError, OutputError
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BOOLEAN, BYTES, STRING, array, mapping, whole

_log = logging.getLogger("zoo.engine")
# Nobody sees this error: the proof is made again.
_KIND = DocumentKind(CacheError)
_SECONDS = {"type": "number", "minimum": 0, "maximum": 1e6}
_SCHEMA = mapping(
    {
        "subject": mapping(
            {
                **dict.fromkeys(("program", "engine", "precision", "device", "processor"), STRING),
                "versions": array(STRING),
            },
            closed=True,
        ),
        **dict.fromkeys(("reference", "fault", "hint", "setting"), STRING),
        "agreement": {"type": "number", "minimum": 0, "maximum": 1},
        "seconds": _SECONDS,
        "opening": _SECONDS,
        **dict.fromkeys(("height", "width"), whole(0, 1 << 24)),
        "memory": BYTES,
        **dict.fromkeys(("lasting", "killed"), BOOLEAN),
    },
    closed=True,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """What a proof is about.

    Attributes:
        program: Digest of the program.
        engine: Name of the engine.
        precision: Precision of its arithmetic.
        device: Name of the device, such as "npu:1".
        processor: Name and instructions of the processor.
        versions: Of everything else the outcome depends on, such as "openvino 2026.4.1".
    """

    program: str
    engine: str
    precision: Precision
    device: str
    processor: str
    versions: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    def record(self) -> Path:
        """Returns the file in which the proof is kept."""
        return home() / "engines" / f"{self.digest}{PROOF_SUFFIX}"


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """How far an engine agrees with a reference, and what it costs.

    Attributes:
        subject: What was tried.
        reference: What it was compared with, such as "golden" or "paddle 3.2.2"; empty where there was nothing.
        agreement: Share of the pixels with the reference's class, 0 to 1; 1 where nothing was compared.
        seconds: Of one picture with all threads, the best of three.
        opening: Seconds from the start of opening to the first output.
        memory: Most memory of a process that did nothing else, in bytes.
        height: Of that picture, in pixels; 0 where the engine failed.
        width: Likewise.
        fault: Why there is none of that; else empty.
        hint: What helps then; may be empty.
        lasting: Whether the next trial would find the same. Not so where a child ran out of memory or time.
        killed: Whether the fault is that its process was ended, by a signal or for want of time.
        setting: How the engine was set up, such as "2 threads"; may be empty.
    """

    subject: Subject
    reference: str
    agreement: float
    seconds: float
    opening: float
    memory: int
    height: int = 0
    width: int = 0
    fault: str = ""
    hint: str = ""
    lasting: bool = True
    killed: bool = False
    setting: str = ""

    def keep(self) -> None:
        """Keeps what lasts for the next time. A cache that cannot be written costs a trial every time, nothing else."""
        if not self.lasting:
            return
        try:
            record = self.subject.record()
            ensure_folder(record.parent)
            write_atomic(record, json.dumps(dataclasses.asdict(self)).encode())
        except (CacheError, OutputError) as error:
            _log.info("a proof could not be kept: %s", error.message)


def calibration_used(program: Program, precision: Precision) -> str:
    """Returns the SHA-256 of the file of the calibration that a program is run with; empty where none is used."""
    return file_sha256(program.calibration) if precision == "int8" and program.calibration else ""


def kept_proofs(program: str, processor: str) -> list[Proof]:
    """Returns what is kept of a program on a processor, the fastest first.

    Args:
        program: Its digest.
        processor: Name and instructions of the processor.
    """
    found = [_read(path) for path in (home() / "engines").glob(f"*{PROOF_SUFFIX}")]
    ours = [
        proof
        for proof in found
        if proof and (proof.subject.program, proof.subject.processor) == (program, processor) and not proof.fault
    ]
    return sorted(ours, key=lambda proof: proof.seconds)


def kept_proof(subject: Subject) -> Proof | None:
    """Returns the proof that is kept of a subject; None where there is none, or a damaged one."""
    proof = _read(subject.record())
    return proof if proof and proof.subject == subject else None


def _read(record: Path) -> Proof | None:
    try:
        fields: dict[str, Any] = conform(read_json(record, _KIND), _SCHEMA)
    except CacheError:
        return None
    about: dict[str, Any] = fields.pop("subject")
    about["versions"] = tuple(about["versions"])
    return Proof(Subject(**about), **fields)

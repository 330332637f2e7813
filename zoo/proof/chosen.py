"""The engine that `zoo optimize` has chosen for a program, as it is kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from zoo.base.files import ensure_folder, write_atomic
from zoo.base.home import home
from zoo.base.processor import processor
from zoo.contract.engine import Precision, Program
from zoo.engine.trial import CHOICE_SUFFIX
from zoo.errors import CacheError
from zoo.proof.agreement import LEAST
from zoo.proof.record import Proof, calibration_used
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import STRING, mapping, whole

_KIND = DocumentKind(CacheError)
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SCHEMA = mapping(
    {
        **dict.fromkeys(("program", "device", "precision", "processor", "engine"), STRING),
        "least": _SHARE,
        "pictures": whole(0, 1 << 30),
        "reference": STRING,
        "threads": whole(1, 1 << 30),
        "calibration": STRING,
        "shares": {"type": "object", "additionalProperties": _SHARE},
    },
    closed=True,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice that was made by measuring.

    Attributes:
        program: Digest of the program.
        device: Name of the device.
        precision: Precision that was asked for.
        processor: Name and instructions of the processor.
        engine: Name of the fastest engine that was accepted; empty where none was.
        least: Share of the pixels that had to agree.
        pictures: How many pictures it was measured on.
        reference: What the engines were compared with on them, such as "paddle 3.2.2".
        shares: Share of the pixels that agreed on them, by `Subject.digest` of each engine.
        threads: With how many threads.
        calibration: SHA-256 of the file of the calibration, where that is used; else empty.
    """

    program: str
    device: str
    precision: Precision
    processor: str
    engine: str
    least: float
    pictures: int
    reference: str
    shares: dict[str, float]
    threads: int
    calibration: str = ""

    def held(self, proof: Proof) -> Proof:
        """Returns a proof of an engine with what it did on the pictures, where that is worse."""
        share = self.shares.get(proof.subject.digest, 1.0)
        return proof if share >= proof.agreement else replace(proof, agreement=share, reference=self.reference)

    def keep(self) -> None:
        """Keeps it in place of an older one.

        Raises:
            CacheError: The cache folder cannot be used.
            OutputError: It cannot be written.
        """
        record = _record(self.program, self.device, self.precision, self.processor, self.calibration)
        ensure_folder(record.parent)
        write_atomic(record, json.dumps(asdict(self)).encode())


def kept_choice(program: Program, device: str, precision: Precision) -> Chosen | None:
    """Returns what is kept for this processor; None where there is nothing, or something damaged."""
    key = program.digest, device, precision, processor(), calibration_used(program, precision)
    try:
        return Chosen(**conform(read_json(_record(*key), _KIND), _SCHEMA))
    except CacheError:
        return None


def least_agreement(chosen: Chosen | None, precision: Precision) -> float:
    """Returns the share of the pixels that must agree: the bound of a choice, where there is one."""
    return LEAST[precision] if chosen is None else chosen.least


def _record(*key: str) -> Path:
    return home() / "engines" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()}{CHOICE_SUFFIX}"

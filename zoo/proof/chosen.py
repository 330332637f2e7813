"""The engine that `zoo optimize` has chosen for a program, as it is kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.base.files import ensure_folder, write_atomic
from zoo.base.home import home
from zoo.contract.engine import Precision
from zoo.engine.trial import CHOICE_SUFFIX
from zoo.errors import CacheError
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import NUMBER, STRING, mapping, whole

_KIND = DocumentKind(CacheError)
_SCHEMA = mapping(
    {
        **dict.fromkeys(("program", "device", "precision", "processor", "engine"), STRING),
        "least": NUMBER,
        "pictures": whole(0, 1 << 30),
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
        engine: Name of the engine that was the fastest.
        least: Share of the pixels that had to agree.
        pictures: How many pictures it was measured on.
    """

    program: str
    device: str
    precision: Precision
    processor: str
    engine: str
    least: float
    pictures: int

    def keep(self) -> None:
        """Keeps it in place of an older one.

        Raises:
            CacheError: The cache folder cannot be used.
            OutputError: It cannot be written.
        """
        record = _record(self.program, self.device, self.precision, self.processor)
        ensure_folder(record.parent)
        write_atomic(record, json.dumps(asdict(self)).encode())


def kept_choice(program: str, device: str, precision: Precision, processor: str) -> Chosen | None:
    """Returns what is kept; None where there is nothing, or something damaged."""
    try:
        return Chosen(**conform(read_json(_record(program, device, precision, processor), _KIND), _SCHEMA))
    except CacheError:
        return None


def _record(*key: str) -> Path:
    return home() / "engines" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()}{CHOICE_SUFFIX}"

"""Calibrations: what engines found on the user's pictures for int8, and on what.

One is a file with its own digest in it, `int8.npz` in an export folder, or below the cache folder by the digest of the
program. It is a golden too: made-up inputs say nothing of what was fitted to pictures.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.files import ensure_folder, replacing
from zoo.base.home import CALIBRATIONS, forget, home, kept_below
from zoo.bundle.golden import Golden, read_golden
from zoo.contract.engine import Calibration, Layer, Program
from zoo.errors import BundleError
from zoo.message import Message
from zoo.settings.check import check_version, conform
from zoo.settings.document import DocumentKind, Source
from zoo.settings.json_text import parse_json
from zoo.settings.rules import NUMBER, SHA256, STRING, array, mapping, whole

#: Name of the file in an export folder.
FILE = "int8.npz"
_FORMAT = 1
_MOST = 1 << 20
_AGAIN = Message("Run: zoo optimize MODEL --images DIR --precision int8")
_KIND = DocumentKind(BundleError, Message("an int8 calibration"), _AGAIN, limit=1 << 24)
_NUMBERS = array(NUMBER, 1, _MOST)
_SCHEMA = mapping(
    {
        "format": {"const": _FORMAT},
        "sha256": SHA256,
        "program": SHA256,
        "engine": STRING,
        "libraries": array(STRING),
        "date": STRING,
        "pictures": whole(1, _MOST),
        "pictures_sha256": SHA256,
        "of": whole(1, _MOST),
        "layers": {
            "type": "object",
            "additionalProperties": mapping({"low": _NUMBERS, "high": _NUMBERS}, closed=True),
        },
    },
    closed=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A calibration and where it comes from.

    Attributes:
        program: Digest of the program.
        engine: Name of the engine that made it.
        date: Day on which it was made, such as "2026-11-28".
        pictures: How many inputs it was made on.
        pictures_sha256: SHA-256 over these inputs, as the network gets them, in their order.
        calibration: What was found.
        golden: One of the inputs, and what exact arithmetic makes of it.
    """

    program: str
    engine: str
    date: str
    pictures: int
    pictures_sha256: str
    calibration: Calibration
    golden: Golden


def write_calibration(record: Calibrated, path: Path) -> Path:
    """Writes a calibration, whole or not at all, and returns its path.

    Raises:
        OutputError: It cannot be written.
    """
    names = ("program", "engine", "date", "pictures", "pictures_sha256")
    document = {"format": _FORMAT, **{name: getattr(record, name) for name in names}, **asdict(record.calibration)}
    text = json.dumps({"sha256": _digest(document, record.golden), **document}).encode()
    ensure_folder(path.parent)
    with replacing(path) as file:
        about = np.frombuffer(text, np.uint8)
        np.savez_compressed(file, batch=record.golden.batch, output=record.golden.output, record=about)
    return path


def read_calibrated(path: Path, program: str) -> Calibrated:
    """Reads a calibration.

    Args:
        path: Its file.
        program: Digest of the program that it must be of.

    Raises:
        BundleError: It is missing, damaged, of another program, or something else.
    """
    root = parse_json(_text(path), Source(_KIND, path))
    check_version(root, "format", _FORMAT)
    values: dict[str, Any] = conform(root, _SCHEMA)
    digest = values.pop("sha256")
    try:
        golden = read_golden(path)
    except BundleError as error:
        raise _changed(path) from error
    mine = _digest(values, golden)
    layers = {name: Layer(tuple(layer["low"]), tuple(layer["high"])) for name, layer in values["layers"].items()}
    if digest != mine or values["program"] != program or not all(map(_is_range, layers.values())):
        raise _changed(path)
    found = Calibration(layers, values["of"], tuple(values["libraries"]))
    about = (values[name] for name in ("program", "engine", "date", "pictures", "pictures_sha256"))
    return Calibrated(*about, calibration=found, golden=golden)


def ranges_digest(calibration: Calibration) -> str:
    """Returns the digest of what masks depend on: the ranges of the layers, whenever and by whatever found."""
    ranges = {name: (layer.low, layer.high) for name, layer in calibration.layers.items()}
    return hashlib.sha256(json.dumps(ranges, sort_keys=True).encode()).hexdigest()


def read_calibration(program: Program) -> Calibration:
    """Returns what is known of a program for int8.

    Raises:
        BundleError: Nothing is, or its file is damaged.
    """
    if program.calibration is None:
        raise BundleError("{program} is not calibrated for int8.", _AGAIN, program=program.path)
    return read_calibrated(program.calibration, program.digest).calibration


def calibration_path(program: str) -> Path:
    """Returns where the calibration of a program, given by its digest, is kept on this machine.

    Raises:
        CacheError: The cache folder cannot be used.
    """
    return home() / "int8" / f"{program}.npz"


def kept_calibration(program: str) -> Path | None:
    """Returns the file of the calibration that is kept of a program; None where there is none.

    Raises:
        CacheError: The cache folder cannot be used.
    """
    path = calibration_path(program)
    return path if path.is_file() else None


def kept_calibrations() -> list[tuple[Path, int]]:
    """Returns the calibrations that are kept on this machine, and their bytes.

    Raises:
        CacheError: The cache folder cannot be used.
    """
    return kept_below(CALIBRATIONS)


def forget_calibrations() -> int:
    """Removes the calibrations that are kept on this machine, and returns how many bytes that were.

    Raises:
        CacheError: One cannot be removed.
    """
    return sum(size for _, size in forget(CALIBRATIONS))


def _changed(path: Path) -> BundleError:
    return BundleError(
        "{path} was changed or damaged, or is of another program. The int8 calibration of this one was expected.",
        _AGAIN,
        path=path,
    )


def _text(path: Path) -> bytes:
    """Returns the record in a file.

    Raises:
        BundleError: There is none.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["record"].tobytes()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(
            "{path} is damaged, or no int8 calibration, which was expected.", _AGAIN, path=path
        ) from error


def _digest(document: dict[str, Any], golden: Golden) -> str:
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    digest.update(golden.batch.tobytes())
    digest.update(golden.output.tobytes())
    return digest.hexdigest()


def _is_range(layer: Layer) -> bool:
    pairs = list(zip(layer.low, layer.high, strict=False))
    return len(layer.low) == len(layer.high) and all(
        math.isfinite(low) and math.isfinite(high) and low < high for low, high in pairs
    )

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

from zoo.base.files import user_path
from zoo.bundle.bundle import Bundle, settled
from zoo.bundle.calibration import FILE, Calibrated, calibration_path, write_calibration
from zoo.contract.engine import Precision
from zoo.engine.device import available_cores
from zoo.engine.open import candidates
from zoo.learn.calibrate import MOST as MOST_CALIBRATED
from zoo.learn.calibrate import calibrate, check_target, is_apart, write_calibrated
from zoo.learn.data import Sample
from zoo.learn.side_by_side import MOST, How, Row, SideBySide, compare_engines
from zoo.picture.sources import Source, SourceOptions, inputs
from zoo.predict.values import GIVEN, given_value
from zoo.settings.check import conform
from zoo.settings.document import node_of
from zoo.settings.rules import array, optional
from zoo.store.find import find_bundle

# The command line shows what it says while it lasts.
_trial_log = logging.getLogger("zoo.engine.trial")

_PRECISIONS = array({"enum": ["float32", "bf16", "int8"]}, 1)
_LEAST = optional({"type": "number", "minimum": 0, "maximum": 1})


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
        apart: Whether it was measured on others than these.
        seconds: How long it took.
        kept: The file it is in; empty where the masks were not kept, so that it is in none.
    """

    engine: str
    libraries: tuple[str, ...]
    pictures: int
    pictures_sha256: str
    layers: int
    of: int
    apart: bool
    seconds: float
    kept: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Engines of this machine for a model.

    Attributes:
        model: Name of the model.
        reference: What the others are compared with, exact, such as "paddle 3.2.2"; empty where none ran.
        pictures: How many pictures they ran.
        rows: The engines, those that are used first, by what they do a second.
        chosen: What is taken from now on, by precision.
        unkept: Why that could not be kept; empty where it is.
        int8: What was calibrated for int8; None where nothing was.
    """

    model: str
    reference: str
    pictures: int
    rows: tuple[Row, ...]
    chosen: dict[Precision, str]
    unkept: str = ""
    int8: Int8 | None = None


def optimize(
    model: str | Path | Bundle,
    source: Source | None = None,
    *,
    device: str = "cpu",
    precisions: Sequence[Precision] = ("float32",),
    least: float | None = None,
    threads: int | None = None,
    samples: Sequence[Sample] = (),
    output: str | Path | None = None,
) -> Comparison:
    """Measures every engine that runs a model, and keeps the fastest of those whose masks agree, for `backend="auto"`.

    Args:
        model: As `name` of `zoo.load`, or an export folder that was read.
        source: Pictures, as of `Model.predict`, of folders with their sub-folders; the first `MOST` are taken. By
            default those of `samples`, else a made-up one, or for int8 the one that its calibration holds.
        device: The device.
        precisions: Those to try. What is found for one is used where that one is asked for, and nowhere else.
        least: Smallest share of pixels whose class stays the same; by default 0.9999 in float32, else 0.995.
        threads: Threads of each engine; by default as many as cores are available.
        samples: Labelled pictures, to tell the mIoU of each engine too.
        output: Where to write an export folder that carries what is found for int8, new or empty; by default it is kept
            on this machine for the model. Engines that need it are calibrated where pictures are given; those of a
            folder that carries a calibration only for a new folder.

    Raises:
        BackendNotInstalledError: No engine runs the model in one of the precisions, or int8 is not calibrated and no
            pictures are given.
        BackendError: The engine cannot calibrate the model, or no part of it keeps the masks in int8.
        ConfigError: There is no picture, an argument has a value that is not possible, or `output` has no use.
        ExportError: `output` is not empty, or the folder of the model is not one of zoo.
        SourceError: A picture cannot be read.
        ModelNotFoundError: No model has this name.
        FetchError: Its files cannot be had.
        BundleError: The model is damaged.
        OutputError: What was calibrated cannot be written.
    """
    device = given_value("device", device)
    count = given_value("threads", threads) or available_cores()
    for name, value, rule in (("precisions", precisions, _PRECISIONS), ("least", least, _LEAST)):
        conform(node_of(value, GIVEN, name), rule)
    output = None if output is None else Path(user_path(output))
    bundle = model if isinstance(model, Bundle) else find_bundle(model)
    if not bundle.one_channel:
        bundle = settled(bundle)
    program = bundle.verify()
    # The calibration that a folder carries is the one that is used of it.
    ours = bundle.calibration is None or output is not None
    calibrating = ours and "int8" in precisions and (source is not None or bool(samples))
    if calibrating or output is not None:
        check_target(bundle, output, calibrating)
    if source is None:
        source = [str(sample.image) for sample in samples] or None
    elif isinstance(source, Iterator):
        source = list(islice(cast("Iterator[Source]", source), MOST + MOST_CALIBRATED))
    if calibrating and source is not None:
        source = _listed(source)
    how = How(bundle, source, device, tuple(dict.fromkeys(precisions)), least, count, samples)
    if not calibrating or source is None:
        return _comparison(bundle, compare_engines(how, program))
    with tempfile.TemporaryDirectory(prefix="zoo-int8-") as folder:
        _trial_log.info("int8 is calibrated on the pictures")
        began = time.perf_counter()
        file = Path(folder) / FILE
        program = replace(program, calibration=file)
        [*_, engine] = sorted(candidates(program, device, precision="int8"), key=lambda item: item.backend.calibrates)
        record = calibrate(bundle, program, engine, source, MOST, count, how.bound("int8"))
        seconds = time.perf_counter() - began
        write_calibration(record, file)
        found = compare_engines(how, program)
    kept = _kept(bundle, record, output) if "int8" in found.chosen else None
    return _comparison(bundle, found, _summary(record, is_apart(source, MOST), seconds, kept))


def _comparison(bundle: Bundle, found: SideBySide, int8: Int8 | None = None) -> Comparison:
    return Comparison(bundle.model, found.reference, found.pictures, found.rows, found.chosen, found.unkept, int8)


def _listed(source: Source) -> Source:
    """Returns the files of a source, which is then walked several times; one that is not only files as it is."""
    found = islice(inputs(source, SourceOptions(recursive=True)), MOST + MOST_CALIBRATED)
    files = [item.uri for item in found]
    return files if files and all(map(os.path.isfile, files)) else source


def _kept(bundle: Bundle, record: Calibrated, output: Path | None) -> Path:
    """Keeps a calibration whose masks were accepted, and returns its file."""
    if output is None:
        return write_calibration(record, calibration_path(record.program))
    return write_calibrated(bundle, record, output).folder / FILE


def _summary(record: Calibrated, apart: bool, seconds: float, kept: Path | None) -> Int8:
    found = record.calibration
    about = record.engine, found.libraries, record.pictures, record.pictures_sha256, len(found.layers), found.of
    return Int8(*about, apart, seconds, "" if kept is None else str(kept))

"""int8 of a model on one's own pictures: what is calibrated on, and an export folder that carries what was found."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.digest import file_sha256
from zoo.base.files import replacing_folder
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.calibration import FILE, Calibrated, write_calibration
from zoo.bundle.golden import Golden
from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
from zoo.contract.engine import CalibrationPictures, Program
from zoo.engine.candidate import Candidate
from zoo.errors import BackendError, ConfigError, ExportError
from zoo.picture.sources import Source, SourceOptions, inputs
from zoo.predict.arguments import RunOptions
from zoo.predict.plan import make_plan
from zoo.predict.steps import Prepared, batches, prepare
from zoo.proof.agreement import agreement
from zoo.proof.measure import measure
from zoo.settings.yaml_text import read_yaml, write_yaml

#: Most pictures, and inputs made of them, that are calibrated on.
MOST = 300
#: Height and width of the middle of an input that is used where a network takes any size: what bounds time and memory.
SIDES = (512, 1024)
# Inputs on which the masks must be kept; the first is the golden.
_HELD = 8


@dataclass(frozen=True)
class Inputs:
    """What a model makes of pictures, anew each time: batches (N, 3, h, w) float32.

    Attributes:
        bundle: The model.
        source: The pictures, not an iterator.
        first: How many are left out at the beginning.
        most: How many are taken at most.
    """

    bundle: Bundle
    source: Source
    first: int
    most: int

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yields them.

        Raises:
            SourceError: A picture cannot be read.
        """
        plan = make_plan(self.bundle, RunOptions())
        chosen = islice(inputs(self.source, SourceOptions(recursive=True)), self.first, self.first + self.most)
        for item in chosen:
            prepared = prepare(item, plan)
            if not isinstance(prepared, Prepared):
                raise prepared.error
            yield from batches(prepared, plan)


@dataclass(frozen=True)
class _Bounded:
    """The middle of inputs, and not too many."""

    inputs: Inputs
    whole: bool

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for batch in islice(self.inputs, MOST):
            yield batch if self.whole else _middle(batch)


def calibrate(
    bundle: Bundle, program: Program, candidate: Candidate, source: Source, measured: int, threads: int, least: float
) -> Calibrated:
    """Finds what an engine needs to know of a model for int8. The same pictures give the same.

    Args:
        bundle: The model.
        program: Its program.
        candidate: The engine.
        source: Pictures, not an iterator; folders with their sub-folders. Up to `MOST` are taken.
        measured: So many of the first ones will be measured on: they are left out where as many others follow.
        threads: Threads of the engine.
        least: Smallest share of pixels whose class stays the same.

    Raises:
        BackendError: The engine fails, or the masks are not kept.
        ConfigError: There is no picture.
        SourceError: A picture cannot be read.
    """
    first = measured if is_apart(source, measured) else 0
    shape = program.input_shape
    used = _Bounded(Inputs(bundle, source, first, MOST), whole=shape is not None and min(shape[2:]) > 0)
    # One that cannot be read shows here and not after minutes.
    digests = [hashlib.sha256(batch.tobytes()).digest() for batch in used]
    if not digests:
        raise ConfigError("{source} holds no picture.", "Give a folder of pictures.", source=source)
    held = list(islice(used, 0, None, -(-len(digests) // _HELD)))
    share = partial(agreement, stride=program.output_stride, threshold=program.threshold)
    pictures = CalibrationPictures(used, held, share, least)
    # In a process of its own, which a broken library may end; this one is next.
    exact = measure(program, replace(candidate, precision="float32"), held[:1], threads)
    if exact.fault:
        raise BackendError(candidate.ended(program, exact.fault).message, "Use precision='float32'")
    golden = Golden(held[0], exact.outputs[0])
    found = candidate.backend.calibrate(program, candidate.request(threads), pictures)
    digest = hashlib.sha256(b"".join(digests)).hexdigest()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return Calibrated(program.digest, candidate.backend.name, day, len(digests), digest, found, golden)


def is_apart(source: Source, measured: int) -> bool:
    """Returns whether a source has as many others to calibrate on as there are to measure on."""
    there = islice(inputs(source, SourceOptions(recursive=True)), 2 * measured)
    return sum(1 for _ in there) == 2 * measured


def check_target(bundle: Bundle, output: Path | None, calibrating: bool) -> None:
    """Refuses, before minutes are spent, what could not be kept afterwards.

    Args:
        bundle: The model.
        output: The folder to write; None to keep it on this machine.
        calibrating: Whether anything will be found.

    Raises:
        ConfigError: Nothing will be.
        ExportError: The output is not empty, or the folder of the model is not one of zoo.
    """
    if not calibrating:
        raise ConfigError(
            "An output folder is for what is calibrated for int8.",
            "Add --precision int8 and --images, or leave the output out.",
        )
    if output is None:
        return
    if output.is_dir() and any(output.iterdir()):
        raise ExportError(
            "The folder {folder} is not empty. A new or empty one was expected.", "Give another folder.", folder=output
        )
    if not bundle.digests:
        raise ExportError(
            "{folder} is not of zoo, so it has no place for a calibration.",
            "Leave the output out: it is kept on this machine then.",
            folder=bundle.folder,
        )


def write_calibrated(bundle: Bundle, record: Calibrated, folder: Path) -> Bundle:
    """Writes a folder like that of a model, which carries a calibration too.

    Args:
        bundle: The model, of zoo.
        record: The calibration.
        folder: Where to write; it must not exist or be empty.

    Raises:
        OutputError: The folder cannot be written, or is not empty.
    """
    settings = bundle.folder / SETTINGS
    document: dict[str, Any] = read_yaml(settings, SETTINGS_KIND).value
    own = [path.name for path in (bundle.program, bundle.params) if path is not None]
    with replacing_folder(folder) as partial_folder:
        for name in dict.fromkeys(chain(own, bundle.digests)):
            if name != FILE:
                shutil.copyfile(bundle.folder / name, partial_folder / name)
        written = write_calibration(record, partial_folder / FILE)
        section = document["zoo"]
        section["calibration"] = FILE
        # For people; the file says the same.
        section["calibrated"] = {
            "date": record.date,
            "pictures": record.pictures,
            "pictures_sha256": record.pictures_sha256,
            "libraries": list(record.calibration.libraries),
            "layers": f"{len(record.calibration.layers)} of {record.calibration.of}",
        }
        section["sha256"] = {**section["sha256"], FILE: file_sha256(written)}
        (partial_folder / SETTINGS).write_text(write_yaml(document), encoding="utf-8")
    return read_bundle(folder)


def _middle(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the middle of a batch (N, C, H, W), at most of `SIDES`."""
    top, left = (max(0, side - most) // 2 for side, most in zip(batch.shape[2:], SIDES, strict=True))
    return np.ascontiguousarray(batch[:, :, top : top + SIDES[0], left : left + SIDES[1]])

"""What an edge program is compared on: pictures as the model gets them, and what the network makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.golden import read_golden
from zoo.contract.engine import Program
from zoo.engine.device import available_cores
from zoo.engine.open import candidates
from zoo.engine.samples import made_up_picture, smooth_noise
from zoo.errors import ConfigError, ExportError
from zoo.learn.convert.frame import InputFrame
from zoo.picture.sources import Source, SourceOptions, inputs
from zoo.predict.arguments import RunOptions
from zoo.predict.plan import make_plan
from zoo.predict.steps import Prepared, batches, prepare
from zoo.proof.measure import measure

#: Most pictures that are compared.
MOST = 20


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Inputs, and what the network makes of them.

    Attributes:
        inputs: (1, C, H, W) float32 each.
        outputs: Logits (1, classes, h, w), or labels (1, H, W).
        library: What ran the network, with its version.
        pictures: How many of the inputs are pictures of the caller's.
    """

    inputs: list[NDArray[np.float32]]
    outputs: list[NDArray[Any]]
    library: str
    pictures: int


def expected_of(frame: InputFrame, program: Program, source: Source | None) -> Expected:
    """Runs the network on pictures, in a process of its own.

    Args:
        frame: The input.
        program: The network's program.
        source: Pictures, of folders with their sub-folders; the first `MOST` are taken. None for a made-up one.

    Raises:
        ConfigError: There is no picture.
        SourceError: A picture cannot be read.
        BackendError: No engine here runs the program.
        ExportError: All fail.
        BundleError: The golden is damaged.
    """
    found = list(_pictures(frame, made_up_picture() if source is None else source))
    if not found:
        raise ConfigError("{source} holds no picture.", "Give a folder of pictures.", source=source)
    count = 0 if source is None else len(found)
    if frame.size is None:
        # At another size too: a program that keeps the size of its first input would not show otherwise.
        found += [*_golden(program), _other(frame, found[0])]
    reason: str = ""
    # paddle first, whose program it is.
    for candidate in sorted(candidates(program), key=lambda item: not item.backend.reference):
        measured = measure(program, candidate, found, available_cores())
        if measured.outputs:
            library = ", ".join(candidate.libraries) or candidate.name
            return Expected(found, list(measured.outputs), library, count)
        reason = measured.fault
    raise ExportError(
        "No engine here runs the network at this size: {reason}.",
        "Give another --input-size, or --images.",
        reason=reason,
    )


def _pictures(frame: InputFrame, source: Source) -> Iterator[NDArray[np.float32]]:
    plan = make_plan(frame.bundle, RunOptions())
    for item in islice(inputs(source, SourceOptions(recursive=True)), MOST):
        prepared = prepare(item, plan)
        if not isinstance(prepared, Prepared):
            raise prepared.error
        yield from batches(prepared, plan)


def _golden(program: Program) -> list[NDArray[np.float32]]:
    return [] if program.golden is None else [read_golden(program.golden).batch[:1]]


def _other(frame: InputFrame, first: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns a made-up input of a size of its own that the network takes."""
    height, width = (side + 2 * frame.stride + (-side % frame.stride) for side in (96, 64))
    if (height, width) == first.shape[2:]:
        height += frame.stride
    return smooth_noise(np.random.default_rng(0), (1, first.shape[1], height, width))

"""A device beside the processor: the same pictures on both, through the network alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.engine import Program, Session
from zoo.engine.candidate import Candidate
from zoo.engine.device import available_cores
from zoo.engine.open import session_opener
from zoo.engine.samples import smooth_noise, trial_shapes
from zoo.learn.calibrate import Inputs
from zoo.message import Message
from zoo.picture.sources import Source
from zoo.proof.agreement import agreement

# The first run of a size may prepare something.
_RUNS = 2


@dataclass(frozen=True, slots=True)
class ComparedPicture:
    """What a device and the processor make of a picture.

    Attributes:
        picture: What it shows: that of the "self-test", or "noise".
        shape: (N, C, H, W) of the input; N pictures of one size run together.
        device: Device that really computed, such as "npu:0".
        agreement: Share of the pixels with the class that the processor gives them, or another that is as good by its
            logits, 0 to 1.
        difference: Largest difference of two logits; None where the program gives none, or not as many.
        milliseconds: Of the network on the device.
        cpu_milliseconds: Of the network on the processor.
    """

    picture: str
    shape: tuple[int, ...]
    device: str
    agreement: float
    difference: float | None
    milliseconds: float
    cpu_milliseconds: float


@dataclass(frozen=True, slots=True)
class BesideCpu:
    """A device beside the processor.

    Attributes:
        engine: Engine and setting on the processor, such as "paddle 3.2.2, oneDNN, 2 threads".
        pictures: Every picture on every device that was asked for.
    """

    engine: str
    pictures: tuple[ComparedPicture, ...]

    @property
    def agreement(self) -> float:
        """The smallest of all."""
        return min(picture.agreement for picture in self.pictures)

    @property
    def difference(self) -> float | None:
        """The largest of all; None where there is none."""
        return max((each.difference for each in self.pictures if each.difference is not None), default=None)


def beside_cpu(bundle: Bundle, program: Program, source: Source, candidate: Candidate) -> BesideCpu:
    """Runs pictures on a device and on the processor, there in float32 by zoo's own engine where it can.

    Args:
        bundle: The model.
        program: Its program.
        source: The picture of its self-test, or a made-up one.
        candidate: The engine and the devices.

    Raises:
        ZooError: The engine or a device fails.
    """
    threads = available_cores()
    inputs = list(_inputs(bundle, program, source))
    with closing(session_opener(program)(threads)) as session:
        here = [_timed(session, batch) for _, batch in inputs]
        engine = str(session.facts)
    found: list[ComparedPicture] = []
    for number in candidate.numbers:
        with closing(replace(candidate, numbers=(number,)).opener(program)(threads)) as session:
            for (picture, batch), (expected, cpu) in zip(inputs, here, strict=True):
                output, seconds = _timed(session, batch)
                found.append(
                    ComparedPicture(
                        picture,
                        batch.shape,
                        session.facts.device,
                        agreement(output, expected, program.output_stride, program.threshold),
                        _difference(output, expected),
                        1000 * seconds,
                        1000 * cpu,
                    )
                )
    return BesideCpu(engine, tuple(found))


def _inputs(bundle: Bundle, program: Program, source: Source) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for batch in Inputs(bundle, source, 0, 1):
        yield Message("self-test"), batch
    rng = np.random.default_rng(0)
    for shape in trial_shapes(program.input_shape):
        yield Message("noise"), smooth_noise(rng, shape)


def _timed(session: Session, batch: NDArray[np.float32]) -> tuple[NDArray[Any], float]:
    output = session.run(batch)
    times: list[float] = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        session.run(batch)
        times.append(time.perf_counter() - began)
    return output, min(times)


def _difference(found: NDArray[Any], expected: NDArray[Any]) -> float | None:
    if found.shape != expected.shape or expected.ndim != 4 or expected.dtype.kind != "f":
        return None
    return float(np.abs(found - expected).max())

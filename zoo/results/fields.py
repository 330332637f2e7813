"""What the fields of a result must be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zoo.message import Message
from zoo.results.encode import source_fits

if TYPE_CHECKING:
    from zoo.results.result import Result


def check_fields(result: Result) -> None:
    """Checks that the fields of a result do not contradict each other.

    Raises:
        ValueError: They do.
    """
    if result.mask.ndim != 2 or not result.mask.size or result.mask.dtype.name not in ("uint8", "uint16"):
        raise ValueError(
            Message(
                "mask is {shape} {dtype}; expected (H, W) uint8 or uint16",
                shape=result.mask.shape,
                dtype=result.mask.dtype,
            )
        )
    if result.image.shape != (*result.mask.shape, 3) or result.image.dtype != np.uint8:
        raise ValueError(
            Message(
                "image is {shape} {dtype}; expected {value} uint8",
                shape=result.image.shape,
                dtype=result.image.dtype,
                value=(*result.mask.shape, 3),
            )
        )
    if result.scores is not None:
        if result.scores.shape != result.mask.shape or result.scores.dtype != np.float32:
            raise ValueError(
                Message(
                    "scores are {shape} {dtype}; expected {mask_shape} float32",
                    shape=result.scores.shape,
                    dtype=result.scores.dtype,
                    mask_shape=result.mask.shape,
                )
            )
        # Whatever NaN is compared with, the answer is no.
        if not (result.scores.min() >= 0 and result.scores.max() <= 1):
            raise ValueError(
                Message(
                    "scores are from {lowest} to {highest}; expected 0 to 1",
                    lowest=result.scores.min(),
                    highest=result.scores.max(),
                )
            )
    if not all(math.isfinite(value) and value >= 0 for value in result.seconds.values()):
        raise ValueError(
            Message("seconds are {seconds}; expected finite times, none below 0", seconds=dict(result.seconds))
        )
    if not source_fits(result.uri):
        raise ValueError(
            Message("the uri has {count} characters, too many to be recorded in outputs", count=len(result.uri))
        )

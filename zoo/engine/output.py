"""What a program returned, held against what its kind must return."""

from __future__ import annotations

from zoo.contract.engine import Program
from zoo.message import Message

# Encoders halve the sides up to five times, each time rounded up; a decoder that doubles them again keeps the excess.
_DEEPEST_STRIDE = 32


def output_fault(output: object, batch: tuple[int, ...], program: Program) -> Message | None:
    """Returns what is wrong with an output, as the end of a sentence; None where nothing is.

    What a foreign program returns is told from its output, and refused where it is told.
    """
    # Here, because zoo doctor must work where numpy is what is broken.
    import numpy as np

    if not isinstance(output, np.ndarray):
        return Message("an object of type {type}; a numpy array was expected", type=type(output).__name__)
    count, _, height, width = batch
    shape = output.shape
    if not shape or shape[0] != count:
        return Message(
            "an array of shape {shape} for {count} pictures; as many outputs as pictures were expected",
            shape=shape,
            count=count,
        )
    if program.output != "logits":
        return None
    stride = program.output_stride
    fits = len(shape) == 4 and all(
        side > 0 and -stride < side * stride - pixels < max(stride, _DEEPEST_STRIDE)
        for side, pixels in zip(shape[2:], (height, width), strict=True)
    )
    if fits and output.dtype in (np.float32, np.float16):
        return None
    return Message(
        "{dtype} of shape {shape}; float32 logits of shape ({count}, classes, {height}, {width}) were expected",
        dtype=output.dtype,
        shape=shape,
        count=count,
        height=-(-height // stride),
        width=-(-width // stride),
    )

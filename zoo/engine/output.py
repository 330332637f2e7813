"""What a program is given and what it returned, held against what it takes and what its kind must return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.contract.engine import Program
from zoo.message import Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Encoders halve the sides up to five times, each time rounded up; a decoder that doubles them again keeps the excess.
_DEEPEST_STRIDE = 32


def input_fault(batch: NDArray[np.float32], program: Program) -> Message | None:
    """Returns what is wrong with a batch, as the end of a sentence; None where nothing is.

    Engines differ in what they make of these: an answer to an earlier batch, zeros in place of NaN, an error.

    Args:
        batch: What a session is to run.
        program: The program.
    """
    import numpy as np

    if batch.ndim != 4 or batch.dtype != np.float32 or 0 in batch.shape:
        return Message(
            "shape {shape} and dtype {dtype}; (N, C, H, W) float32 without empty axes was expected",
            shape=batch.shape,
            dtype=batch.dtype,
        )
    taken = program.input_shape
    if taken is not None and len(taken) == 4 and any(a > 0 and a != b for a, b in zip(taken, batch.shape, strict=True)):
        return Message(
            "shape {shape}; the program takes {taken}, where -1 is any number", shape=batch.shape, taken=taken
        )
    # Both are NaN where a value is; a look at each value in turn takes ten times as long.
    if not (np.isfinite(batch.min()) and np.isfinite(batch.max())):
        return Message("values that are NaN or infinite; finite numbers were expected")
    return None


def output_fault(output: object, batch: tuple[int, ...], program: Program) -> Message | None:
    """Returns what is wrong with an output, as the end of a sentence; None where nothing is.

    What is neither labels nor scores, of a folder that zoo did not write, is refused where they are told apart: the
    program is at fault then, and not the engine.

    Args:
        output: What a session returned.
        batch: Shape of its input, (N, C, H, W).
        program: The program that it ran.
    """
    # Here, because zoo doctor must work where numpy is what is broken.
    import numpy as np

    if not isinstance(output, np.ndarray):
        return Message("an object of type {type}; a numpy array was expected", type=type(output).__name__)
    count, shape = batch[0], output.shape
    if not shape or shape[0] != count:
        return Message(
            "an array of shape {shape} for {count} pictures; as many outputs as pictures were expected",
            shape=shape,
            count=count,
        )
    if program.output == "logits":
        return _logits_fault(output, batch, program)
    whole = output.dtype.kind in "iu" and (len(shape) == 3 or (len(shape) == 4 and shape[1] == 1))
    if (whole and program.output != "scores") or (program.output == "labels" and program.trusted):
        return _labels_fault(output, batch, program, whole)
    if output.dtype.kind == "f" and len(shape) == 4 and program.output != "labels":
        return _scores_fault(output, batch, program)
    return None


def nan_fault(output: NDArray[Any]) -> Message | None:
    """Returns how many values of an output are no numbers, as the end of a sentence; None where all are."""
    import numpy as np

    if output.dtype.kind != "f" or np.isfinite(output).all():
        return None
    return Message(
        "{count} of {size} values that are NaN or infinite; finite numbers were expected",
        count=int(np.count_nonzero(~np.isfinite(output))),
        size=output.size,
    )


def _logits_fault(output: NDArray[Any], batch: tuple[int, ...], program: Program) -> Message | None:
    import numpy as np

    shape, stride = output.shape, program.output_stride
    fits = len(shape) == 4 and all(
        side > 0 and -stride < side * stride - pixels < max(stride, _DEEPEST_STRIDE)
        for side, pixels in zip(shape[2:], batch[2:], strict=True)
    )
    if fits and output.dtype in (np.dtype(np.float32), np.dtype(np.float16)) and _counted(shape[1], program):
        return None
    return Message(
        "{dtype} of shape {shape}; float32 logits of shape ({count}, {classes}, {height}, {width}) were expected",
        dtype=output.dtype,
        shape=shape,
        count=batch[0],
        classes=program.classes or Message("classes"),
        height=-(-batch[2] // stride),
        width=-(-batch[3] // stride),
    )


def _labels_fault(output: NDArray[Any], batch: tuple[int, ...], program: Program, whole: bool) -> Message | None:
    # Those of other systems may have fewer pixels, which are repeated.
    fits = whole and all(
        side == pixels or (0 < side < pixels and not program.trusted)
        for side, pixels in zip(output.shape[-2:], batch[2:], strict=True)
    )
    if not fits:
        return Message(
            "{dtype} of shape {shape}; labels, whole numbers of shape ({count}, {height}, {width}), were expected",
            dtype=output.dtype,
            shape=output.shape,
            count=batch[0],
            height=batch[2],
            width=batch[3],
        )
    lowest, top = int(output.min()), int(output.max())
    if program.classes is None or 0 <= lowest <= top < program.classes:
        return None
    return Message(
        "labels from {lowest} to {top}; 0 to {last} were expected, as there are {count} classes",
        lowest=lowest,
        top=top,
        last=program.classes - 1,
        count=program.classes,
    )


def _scores_fault(output: NDArray[Any], batch: tuple[int, ...], program: Program) -> Message | None:
    shape = output.shape
    fits = all(0 < side < pixels + _DEEPEST_STRIDE for side, pixels in zip(shape[2:], batch[2:], strict=True))
    if fits and _counted(shape[1], program):
        return None
    return Message(
        "{dtype} of shape {shape}; scores of shape ({count}, {classes}, {height}, {width}), or smaller, were expected",
        dtype=output.dtype,
        shape=shape,
        count=batch[0],
        classes=program.classes or Message("classes"),
        height=batch[2],
        width=batch[3],
    )


def _counted(channels: int, program: Program) -> bool:
    # The one channel of two classes is a logit or a probability of the second.
    return (
        channels > 0
        if program.classes is None
        else channels == program.classes or (channels, program.classes) == (1, 2)
    )

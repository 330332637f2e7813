"""What goes into a converted program: the size of its input, and the steps that lead there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import Normalize, Pad, Resize
from zoo.errors import ExportError
from zoo.message import Message
from zoo.program import OnnxGraph
from zoo.program.graph import TensorType

# Suggested where a size has to be given; a multiple of every stride there is.
_USUAL = (512, 1024)


@dataclass(frozen=True, slots=True)
class InputFrame:
    """The input of a converted program.

    Attributes:
        bundle: The export folder; its steps are those that lead to this input.
        size: The only (height, width); None for any.
        stride: Both sides are multiples of it.
    """

    bundle: Bundle
    size: tuple[int, int] | None
    stride: int


def framed(
    bundle: Bundle, declared: tuple[int, ...] | None, size: tuple[int, int] | None, fixed: str = ""
) -> InputFrame:
    """Settles the size of the input.

    Args:
        bundle: The export folder.
        declared: Shape of the program's input, -1 where any size goes; None where that is not known.
        size: The (height, width) that was asked for.
        fixed: Name of a runtime that knows one size only; empty for another.

    Raises:
        ExportError: The program or the runtime cannot take the size, or needs one.
    """
    multiples = (step.multiple for step in bundle.preprocess if isinstance(step, (Pad, Resize)))
    stride = math.lcm(*multiples)
    if declared is not None and len(declared) == 4 and min(declared[2:]) > 0:
        own = declared[2], declared[3]
        if size is not None and size != own:
            raise ExportError(
                "The program of {model} takes inputs of {height}x{width} only, not {given}.",
                "Leave out --input-size, or give {height} {width}.",
                model=bundle.model,
                height=own[0],
                width=own[1],
                given="x".join(map(str, size)),
            )
        return InputFrame(replace(bundle, window=None), own, stride)
    if size is None:
        if fixed:
            raise ExportError(
                "A program for {runtime} takes one size of input, and {model} takes any.",
                "Give the size, for example: --input-size {height} {width}",
                runtime=fixed,
                model=bundle.model,
                height=_USUAL[0],
                width=_USUAL[1],
            )
        return InputFrame(replace(bundle, window=None), None, stride)
    check_divides(size, stride)
    steps = (Resize(size), *(step for step in bundle.preprocess if isinstance(step, Normalize)))
    return InputFrame(replace(bundle, preprocess=steps, window=None), size, stride)


def check_divides(size: tuple[int, int], stride: int) -> None:
    """Does nothing where both sides of an input are multiples of the network's stride.

    Raises:
        ExportError: One is not.
    """
    if wrong := [side for side in size if side % stride]:
        height, width = (max(stride, round(side / stride) * stride) for side in size)
        raise ExportError(
            "{side} is no multiple of {stride}, the stride of the network: at {size} its masks would lie askew.",
            Message("Use: --input-size {height} {width}", height=height, width=width),
            side=wrong[0],
            stride=stride,
            size="x".join(map(str, size)),
        )


def sized(onnx: OnnxGraph, size: tuple[int, int] | None) -> OnnxGraph:
    """Returns a graph whose input has one (height, width) only; None leaves it as it is."""
    if size is None:
        return onnx
    [(name, kind)] = onnx.inputs.items()
    return replace(onnx, inputs={name: TensorType(kind.dtype, (*kind.shape[:2], *size))})

"""Checks of program and parameter files, made before an engine sees them, by the reader that also translates them.

The engine is no check: it dies of SIGSEGV on an HTML page named `.pdmodel`, and runs with other numbers when the last
byte of the parameters is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.program import read_program, read_records


@dataclass(frozen=True, slots=True)
class Outline:
    """What a program file says of its program.

    Attributes:
        parameters: Number of tensors it needs from the parameter file.
        input_shape: Shape of its first input, -1 where any size goes; None where the file does not say it.
    """

    parameters: int
    input_shape: tuple[int, ...] | None


def check_program(path: Path) -> Outline:
    """Checks that a program file is what its suffix says, and returns what it says.

    Args:
        path: `*.json` (PIR) or `*.pdmodel` (a ProgramDesc protocol buffer).

    Raises:
        BundleError: It is damaged or something else.
    """
    graph = read_program(path, None)
    shapes = list(graph.inputs.values())
    return Outline(len(graph.parameters), shapes[0].shape if shapes else None)


def check_params(path: Path) -> int:
    """Walks the tensor records of a `.pdiparams` file.

    Returns:
        The number of tensors, at least 1.

    Raises:
        BundleError: The records do not add up to the size of the file.
    """
    return len(read_records(path))

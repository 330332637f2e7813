"""Reads a program of paddle, in either of its forms, with its parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zoo.message import Message
from zoo.program.faults import damaged_model
from zoo.program.graph import Graph
from zoo.program.older import read_program_desc
from zoo.program.parameters import map_parameters
from zoo.program.pir import read_pir


def read_program(path: Path, params: Path | None) -> Graph:
    """Reads a program.

    Args:
        path: `*.json` (PIR) or `*.pdmodel` (a ProgramDesc protocol buffer).
        params: Its `.pdiparams`; None to read the program alone.

    Returns:
        The program. An operation that zoo cannot translate is no error here.

    Raises:
        BundleError: A file is damaged or something else, the two do not belong together, or a parameter is not finite.
        UnsupportedProgramError: The format is newer than zoo.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged_model(path, Message("cannot be read: {reason}", reason=error.strerror or error)) from error
    graph = read_pir(path, content) if path.suffix == ".json" else read_program_desc(path, content)
    return graph if params is None else replace(graph, arrays=map_parameters(graph, params))

"""The three streams of a command: there, and standard output for its data alone."""

from __future__ import annotations

import io
import os
import sys


def open_streams() -> None:
    """Gives a program that was started without one of the three streams something to read or write."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115


def keep_stdout() -> None:
    """Lets `sys.stdout` alone reach standard output; whatever else writes to descriptor 1 reaches standard error.

    That is the C code of plugins and engines, also what it holds back until the process ends, and every child that is
    not given another stream. For a whole program and before it starts threads; a library leaves descriptors alone.
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):
        return  # somebody has put something else in its place
    kept = io.FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = io.TextIOWrapper(
        kept if stream.write_through else io.BufferedWriter(kept),
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )

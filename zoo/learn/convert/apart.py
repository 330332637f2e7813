"""The library of a format at work in a process of its own, which a broken one may end."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import errors
from zoo.base.files import replacing
from zoo.contract.refs import resolve
from zoo.engine.trial import TRY_AGAIN, in_child
from zoo.errors import ExportError, ZooError
from zoo.message import Message

_SECONDS = 600.0


def run_apart(
    library: str,
    job: str,
    file: Path,
    batches: Sequence[NDArray[Any]],
    *arguments: Any,
    ended: Message | None = None,
) -> list[Any]:
    """Calls a job in a child process.

    Args:
        library: Name of the library that it needs.
        job: "package.module:function" of zoo. It takes the batches, the path of the file and the arguments, and returns
            an array for each batch.
        file: The converted program.
        batches: Inputs, (N, C, H, W) float32.
        arguments: Plain data.
        ended: What helps where the library ends the process or fails, and would again; by default to install it anew.

    Raises:
        ExportError: The child ended or failed.
        ZooError: What the job itself raised.
        OutputError: There is no room.
    """
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=file.parent) as folder:
        given, made = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        with replacing(given) as inputs:
            np.savez(inputs, *batches)
        outcome = in_child(
            "zoo.learn.convert.apart:answer", job, str(given), str(made), str(file), *arguments, seconds=_SECONDS
        )
        if outcome.reason is not None:
            raise ExportError(
                "{library} cannot be used: a trial of {file}, in a process of its own, {reason}.",
                (ended or Message("Run: pip install --force-reinstall {library}", library=library))
                if outcome.lasting
                else TRY_AGAIN,
                library=library,
                file=file.name,
                reason=outcome.reason,
            )
        if outcome.answer is not None:
            kind, message, hint = outcome.answer
            raise getattr(errors, kind)(message, hint) if kind else OSError(message)
        with np.load(made, allow_pickle=False) as arrays:
            return [arrays[name] for name in arrays.files]


def answer(job: str, given: str, made: str, file: str, *arguments: Any) -> list[str] | None:
    """Calls a job. What the child does.

    Returns:
        None where all went well; else the error: the name of its class in `zoo.errors`, the message and the hint. The
        name is empty for an OSError.
    """
    with np.load(given, allow_pickle=False) as arrays:
        batches = [arrays[name] for name in arrays.files]
    try:
        np.savez(made, *resolve(job)(batches, file, *arguments))
    except ZooError as error:
        return [type(error).__name__, error.message, error.hint]
    except OSError as error:
        return ["", error.strerror or error.args[0], ""]
    return None

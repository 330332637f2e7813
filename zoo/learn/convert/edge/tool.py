"""Programs of others that convert, each a process of its own, and what they say."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.base.child import environment
from zoo.engine.trial import TRY_AGAIN, signal_name
from zoo.errors import ExportError
from zoo.message import Message

_SECONDS = 600.0


def run_tool(name: str, command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Runs a converter to its end.

    Args:
        name: What it is called.
        command: Program and arguments.
        folder: Where it runs and leaves what it writes beside its output.
        variables: For its environment.

    Returns:
        What it wrote on stdout and stderr.

    Raises:
        ExportError: It cannot be started, took too long, or was ended by a signal.
    """
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**environment(), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        reason = Message("took more than {seconds:g} seconds", seconds=_SECONDS)
        raise _failed(name, reason, TRY_AGAIN) from error
    except OSError as error:
        reason = Message("could not start: {reason}", reason=error.strerror or error)
        raise _failed(name, reason, TRY_AGAIN) from error
    if ended.returncode < 0:
        raise _failed(name, Message("ended by {signal}", signal=signal_name(-ended.returncode)), _OTHER)
    return ended.stdout.decode("utf-8", "replace")


def tool_refused(name: str, model: str, reason: str) -> ExportError:
    """Returns the error of a converter that wrote nothing, or nothing that runs."""
    return ExportError(
        "{converter} cannot convert {model}: {reason}.", _OTHER, converter=name, model=model, reason=reason
    )


def unknown_operations(operations: Sequence[str]) -> Message:
    """Returns the reason of a runtime that has no such operations."""
    return Message("it does not know {operations:, }", operations=list(dict.fromkeys(operations)))


_OTHER = Message("Use another format: --format onnx, openvino, mnn or ncnn.")


def _failed(name: str, reason: str, hint: Message) -> ExportError:
    return ExportError("{converter} failed: the process {reason}.", hint, converter=name, reason=reason)

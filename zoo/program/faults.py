"""The errors of this folder."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import BundleError, UnsupportedProgramError
from zoo.message import Message
from zoo.program.graph import Operation


def damaged_model(path: Path, reason: str) -> BundleError:
    """Returns the error for a file that is not whole, or something else.

    Args:
        path: The file.
        reason: What is wrong with it, such as "is empty".
    """
    return BundleError(
        "The model file {path} {reason}. A whole file as paddle exports it was expected.",
        "Export the model again, or download it again.",
        path=path,
        reason=reason,
    )


def refused_operation(path: Path, operation: Operation, reason: str) -> UnsupportedProgramError:
    """Returns the error for an operation that has no translation.

    Args:
        path: The file of the program.
        operation: The operation.
        reason: What of it is not known.
    """
    return UnsupportedProgramError(
        "The operation {operation} in {path} cannot be translated: {reason}{place}.",
        'Run the model with backend="paddle", or export the network without this operation.',
        operation=operation.name,
        path=path,
        reason=reason,
        place=Message(" (at {place})", place=operation.place) if operation.place else "",
    )

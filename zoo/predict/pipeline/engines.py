"""Requests for a faster engine, which this version of zoo answers with an error and not with a slower run."""

from __future__ import annotations

from zoo.errors import BackendError
from zoo.message import Message


def no_faster_engine(asked: str) -> BackendError:
    """Returns the error for a request for PaddleX's high-performance inference.

    Args:
        asked: What asked for it, as the beginning of a sentence.
    """
    from zoo.registry.discovery import discover

    engines = sorted(discover("zoo.backends").backends)
    hint = (
        Message("Leave it out.")
        if len(engines) < 2
        else Message("Leave it out, or name the engine you want: backend=NAME")
    )
    return BackendError(
        "{asked} asks for high-performance inference, an engine of PaddleX that zoo does not have. "
        "Installed engines: {engines:, }.",
        hint,
        asked=asked,
        engines=engines or [Message("none")],
    )

"""The one error of a release: it is not as it has to be."""

from __future__ import annotations

from collections.abc import Sequence


class ReleaseError(Exception):
    """Something is not as it has to be, and what.

    Args:
        step: What was being done.
        faults: One line each.
    """

    def __init__(self, step: str, faults: Sequence[str]) -> None:
        super().__init__(step)
        self.step = step
        self.faults = tuple(faults)


def require(step: str, faults: Sequence[str]) -> None:
    """Ends the release if there are faults.

    Raises:
        ReleaseError: There is at least one.
    """
    if faults:
        raise ReleaseError(step, faults)

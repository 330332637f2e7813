"""How far a download is, told to the caller."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from zoo.base.notebook import in_notebook, rewrite
from zoo.store.download.addresses import Address

_SECONDS_BETWEEN_REPORTS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    Attributes:
        url: Address being asked, without credentials.
        received: Bytes so far.
        total: Bytes of the whole file, or None when unknown.
        note: What happens instead of progress, such as "waits 3 s: 503 Service Unavailable".
    """

    url: str
    received: int
    total: int | None
    note: str = ""


class ProgressReport:
    """Tells the caller how far one address is, not too often."""

    def __init__(self, address: Address, progress: Callable[[Progress], None] | None) -> None:
        self._url = address.plain
        self._progress = progress
        self._last = -math.inf

    def __call__(self, received: int, total: int | None, note: str = "") -> None:
        """Reports bytes received, of how many; at once where there is a note or the file is whole."""
        now = time.monotonic()
        if self._progress is not None and (note or received == total or now - self._last >= _SECONDS_BETWEEN_REPORTS):
            self._last = now
            self._progress(Progress(self._url, received, total, note))


def notebook_progress() -> Callable[[Progress], None] | None:
    """Returns what shows downloads where Python runs in a notebook, and None elsewhere."""
    return _below_the_cell if in_notebook() else None


def _below_the_cell(progress: Progress) -> None:
    size = "?" if progress.total is None else f"{progress.total / 1e6:.1f}"
    state = progress.note or f"{progress.received / 1e6:.1f} of {size} MB"
    rewrite(f"{progress.url.rpartition('/')[2]}  {state}", progress.received == progress.total and not progress.note)

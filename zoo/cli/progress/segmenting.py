"""What is shown while pictures are segmented."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from zoo.cli.language import tr
from zoo.cli.progress.figures import bar, time_left


class Count:
    """How many inputs there are, counted in a thread, because folders may be large.

    Args:
        inputs: Goes through the inputs once more.

    Attributes:
        total: The number, or None while it is not known.
    """

    def __init__(self, inputs: Callable[[], Iterable[object]]) -> None:
        self.total: int | None = None
        self._inputs = inputs
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        # What is wrong with an input is told when it is its turn.
        with suppress(Exception):
            self.total = sum(1 for _ in self._inputs())


def pictures_text(done: int, total: int | None, pictures: int, began: float) -> str:
    """Returns the line of a run: a bar over its inputs; for a single one how many pictures came of it so far.

    Args:
        done: Inputs that are done.
        total: Inputs there are, None where that is not known.
        pictures: Results so far; a video is one input and many pictures.
        began: When it began, as `time.monotonic`.
    """
    seconds = time.monotonic() - began
    if not pictures:
        return tr("segmenting") + (f"  {seconds:.0f} s" if seconds >= 1 else "")
    rate = tr("{rate:.1f} pictures/s", rate=pictures / seconds)
    if total is None or total < 2:
        return "  ".join((tr("{pictures} pictures", pictures=pictures), rate))
    return "  ".join((bar(done, total), f"{done}/{total}", rate, time_left(done, total, seconds)))

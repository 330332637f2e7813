"""What is shown while files are counted off."""

from __future__ import annotations

import time

from zoo.cli.progress.figures import bar, time_left


class Counting:
    """How many files are done, as a text."""

    def __init__(self) -> None:
        self._done, self._total, self._began = 0, 0, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Takes how far it is now."""
        if done <= self._done:
            self._began = time.monotonic()
        self._done, self._total = done, total

    def text(self) -> str:
        """Returns the line to show."""
        seconds = time.monotonic() - self._began
        rest = time_left(self._done, self._total, seconds)
        return "  ".join((bar(self._done, self._total), f"{self._done}/{self._total}", rest))

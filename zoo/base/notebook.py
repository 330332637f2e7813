"""What a notebook shows below the cell while something takes long: one line, rewritten."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")

_COLUMNS = 78
# Nothing is shown of what takes less.
_PATIENCE = 1.0
_SECONDS_BETWEEN = 0.5


def in_notebook() -> bool:
    """Says whether Python runs in a notebook."""
    return "ipykernel" in sys.modules


def rewrite(text: str, ended: bool) -> None:
    """Shows a text in the place of the one before.

    Args:
        text: Cut to the width of the line.
        ended: Whether it is the last; what is printed afterwards begins a line of its own.
    """
    sys.stderr.write(f"\r{text:<{_COLUMNS}.{_COLUMNS}}" + ("\n" if ended else ""))
    sys.stderr.flush()


class NotebookCount:
    """Shows how many pictures are done, and how fast; nothing outside of a notebook.

    Args:
        total: How many there are, None where that is not known.
    """

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._began = time.monotonic()
        self._next = self._began + _PATIENCE
        self._done = 0

    def __call__(self, done: int) -> None:
        """Takes how many are done now."""
        self._done = done
        now = time.monotonic()
        if now >= self._next and in_notebook():
            self._next = now + _SECONDS_BETWEEN
            self._show(ended=False)

    def close(self) -> None:
        """Shows the last number, if one was shown before."""
        if self._next > self._began + _PATIENCE:
            self._show(ended=True)

    def _show(self, ended: bool) -> None:
        rate = self._done / (time.monotonic() - self._began)
        of = "" if self._total is None else f" of {self._total}"
        rewrite(f"{self._done}{of} pictures  {rate:.1f} a second", ended)


def counted(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Passes results on and shows how many there were."""
    with closing(NotebookCount()) as count, closing(items):
        for done, item in enumerate(items, 1):
            count(done)
            yield item

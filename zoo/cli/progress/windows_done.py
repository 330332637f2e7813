"""What is shown while a large picture is segmented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.cli.language import tr
from zoo.cli.progress.figures import bar, left

if TYPE_CHECKING:
    from zoo.predict.tiff import Progress


class Windows:
    """How far a picture is, as a text."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Takes how far it is now."""
        self._progress = progress

    def text(self) -> str:
        """Returns the line to show."""
        now = self._progress
        if now is None:
            return tr("segmenting")
        done = tr("{done}/{windows} windows", done=now.done_windows, windows=now.windows)
        return f"{bar(now.done_windows, now.windows)}  {done}  {left(now.left)}"

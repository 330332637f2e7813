"""A log that grows, a JSON object a line: each line is read once, however often one asks."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any


class RunLog:
    """The lines of a log.

    Args:
        path: The file; it may not be there yet, and may be replaced by another one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []
        self._end, self._file = 0, (0, 0)

    def lines(self) -> list[dict[str, Any]]:
        """Returns all lines; a last one that was cut short, or is being written, is left out."""
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as file:
            found = os.fstat(file.fileno())
            if (found.st_dev, found.st_ino) != self._file or found.st_size < self._end:
                self._lines, self._end, self._file = [], 0, (found.st_dev, found.st_ino)
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._lines.append(json.loads(line))
                self._end += len(line)
            return list(self._lines)
        return []

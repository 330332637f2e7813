"""A log that grows, a JSON object a line: each line is read once, however often one asks."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

# Bytes of the end that are read to see what is new; a line has a few hundred, with many classes some thousands.
_END = 65536


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

    def last_lines(self) -> list[dict[str, Any]]:
        """Returns the last of them, and remembers none."""
        try:
            with open(self._path, "rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - _END)
                file.seek(start)
                if start:
                    # What is left of a line may look like a whole one: there are objects in it.
                    file.readline()
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

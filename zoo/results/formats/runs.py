"""Runs of equal values along the lines of a mask, from which the formats that know run lengths are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class Runs:
    """Where one value stands: pixels starts[i] to stops[i] - 1 of line lines[i], in the order of the pixels.

    No run ends at a line's end and goes on in the next line; no two runs of a line touch.
    """

    lines: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    @property
    def pixels(self) -> int:
        """How many pixels have the value."""
        return int((self.stops - self.starts).sum())

    def box(self) -> tuple[int, int, int, int]:
        """Returns the smallest box around them: first line, first pixel of a line, lines, pixels of a line."""
        top, left = int(self.lines[0]), int(self.starts.min())
        return top, left, int(self.lines[-1]) + 1 - top, int(self.stops.max()) - left

    def counts(self, top: int, left: int, lines: int, length: int) -> NDArray[np.int64]:
        """Returns the lengths of alternating runs within a box, line after line: of other pixels, of these, of others
        and so on. The first may be 0, the others are not; the last may be of either.
        """
        begin = (self.lines - top) * length - left
        ends = np.stack((begin + self.starts, begin + self.stops), axis=1).reshape(-1)
        # A run that reaches the end of a line goes on if the next line begins with one.
        joined = np.flatnonzero(ends[1:-1:2] == ends[2::2])
        ends = np.delete(ends, np.concatenate((2 * joined + 1, 2 * joined + 2)))
        if ends[-1] == lines * length:
            ends = ends[:-1]
        return np.diff(ends, prepend=0, append=lines * length)


def runs_by_value(mask: NDArray[np.uint8 | np.uint16]) -> dict[int, Runs]:
    """Finds the runs of every value that occurs, values in rising order.

    Args:
        mask: (lines, length); transposed, the lines are columns.
    """
    mask = np.ascontiguousarray(mask)
    begins = np.ones(mask.shape, dtype=np.bool_)
    begins[:, 1:] = mask[:, 1:] != mask[:, :-1]
    first = np.flatnonzero(begins)
    values = mask.reshape(-1)[first]
    # Stable: runs of one value stay in their order.
    order = np.argsort(values, kind="stable")
    lines, starts = np.divmod(first[order], mask.shape[1])
    stops = starts + np.diff(first, append=mask.size)[order]
    found, places = np.unique(values[order], return_index=True)
    return {
        value: Runs(lines[begin:end], starts[begin:end], stops[begin:end])
        for value, begin, end in zip(found.tolist(), places.tolist(), [*places[1:].tolist(), first.size], strict=True)
    }

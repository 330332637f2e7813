"""Connected regions of a mask: pixels of one value that share edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """The regions of a mask, numbered in the order in which their first pixels stand in its rows.

    Attributes:
        numbers: (H, W) int64, the region of each pixel.
        values: (N,) the mask value of each region.
        pixels: (N,) int64, how many pixels each region has.
    """

    numbers: NDArray[np.int64]
    values: NDArray[np.uint8 | np.uint16]
    pixels: NDArray[np.int64]


def find_regions(mask: NDArray[np.uint8 | np.uint16]) -> Regions:
    """Finds the regions; pixels that touch only at a corner are not connected.

    Runs of equal pixels in a row are joined with the runs they touch in the next row, in rounds: every run points to
    the first of the runs it is known to be joined with. The rounds grow with the logarithm of the number of runs.

    Args:
        mask: (H, W) class values, at least one pixel.
    """
    begins = np.ones(mask.shape, dtype=np.bool_)
    begins[:, 1:] = mask[:, 1:] != mask[:, :-1]
    runs = np.cumsum(begins.reshape(-1)).reshape(mask.shape) - 1
    # Two runs that touch do so first where one of them begins.
    touching = (mask[1:] == mask[:-1]) & (begins[1:] | begins[:-1])
    first = _joined(int(runs[-1, -1]) + 1, runs[:-1][touching], runs[1:][touching])
    is_first = first == np.arange(first.size)
    region_of_run = (np.cumsum(is_first) - 1)[first]
    starts = np.flatnonzero(begins)
    pixels = np.zeros(int(is_first.sum()), dtype=np.int64)
    np.add.at(pixels, region_of_run, np.diff(starts, append=mask.size))
    return Regions(region_of_run[runs], mask.reshape(-1)[starts[is_first]], pixels)


def _joined(count: int, above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns for each of `count` things the first one that it is joined with by the pairs, directly or not."""
    first = np.arange(count)
    while above.size:
        one, other = first[above], first[below]
        apart = one != other
        above, below, one, other = above[apart], below[apart], one[apart], other[apart]
        first[np.maximum(one, other)] = np.minimum(one, other)
        while not np.array_equal(further := first[first], first):
            first = further
    return first

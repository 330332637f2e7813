"""Regions too small to be corrected by hand, given to their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError
from zoo.results.regions import Regions, find_regions


def without_small(mask: NDArray[np.uint8 | np.uint16], min_area: int) -> NDArray[np.uint8 | np.uint16]:
    """Gives every small region the value of the large neighbour with which it shares most of its edge.

    Small regions that have small neighbours only follow when one of these has become part of a large one. Where no
    region is large, all stay.

    Args:
        mask: (H, W) class values; not modified.
        min_area: Pixels that a region must have to stay; 0 or 1 for all.

    Returns:
        (H, W) of the same type.

    Raises:
        OutputError: The area is not a whole number from 0 up.
    """
    if min_area < 0 or min_area != int(min_area):
        raise OutputError(
            "The smallest area is {min_area!r}. A whole number of pixels from 0 up was expected.",
            "Use min_area=100",
            min_area=min_area,
        )
    while min_area > 1:
        regions = find_regions(mask)
        values = _new_values(regions, regions.pixels < min_area)
        if values is None:
            break
        mask = values[regions.numbers]
    return mask


def _new_values(regions: Regions, small: NDArray[np.bool_]) -> NDArray[np.uint8 | np.uint16] | None:
    """Returns the values of the regions after one round; None where nothing changes."""
    numbers = regions.numbers
    sides = ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1]))
    pairs = [(one.reshape(-1), other.reshape(-1)) for a, b in sides for one, other in ((a, b), (b, a))]
    # An edge between a small region and a large one, as one number.
    edges = np.concatenate(
        [one[taken] * small.size + other[taken] for one, other in pairs if (taken := small[one] & ~small[other]).any()]
        or [np.zeros(0, np.int64)]
    )
    if not edges.size:
        return None
    found, lengths = np.unique(edges, return_counts=True)
    order = np.argsort(lengths, kind="stable")  # the longest edge of a region comes last, and stays
    region, neighbour = np.divmod(found[order], small.size)
    values = regions.values.copy()
    values[region] = regions.values[neighbour]
    return values

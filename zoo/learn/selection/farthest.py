"""Chooses pictures that are unsure and unlike each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.learn.selection.glance import distances

# Nearer pictures teach the same.
_NEAREST = 1e-6


def choose_spread(uncertainty: Sequence[float], features: NDArray[np.float32], count: int) -> list[int]:
    """Chooses one picture after the other: the one with the largest product of uncertainty and distance.

    The first is the most unsure. The distance is that of the nearest that is chosen already, as in the farthest-first
    traversal (Gonzalez, Clustering to minimize the maximum intercluster distance, 1985), which with features of the
    network is the greedy core-set of Sener and Savarese (ICLR 2018); here weighed with uncertainty. Of equal ones the
    earlier is taken, so the same pictures give the same choice.

    Args:
        uncertainty: Of each, 0 to 1.
        features: (N, F) of each.
        count: How many at most.

    Returns:
        Their numbers, in the order in which they were chosen; fewer where the rest equals those.
    """
    unsure = np.asarray(uncertainty, np.float64)
    chosen: list[int] = []
    nearest = np.ones(len(unsure))
    while len(chosen) < min(count, len(unsure)):
        # A sure picture may be unlike all others: it comes after the unsure ones, and not never.
        worth = np.where(nearest > _NEAREST, (unsure + 1e-9) * nearest, 0.0)
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        chosen.append(best)
        nearest = np.minimum(nearest, distances(features, features[best]))
        nearest[best] = 0.0
    return chosen

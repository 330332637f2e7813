"""What a model tells of a picture before anybody labels it: how unsure it is, and what it finds where.

Uncertainty is the mean over the pixels of 1 - (p1 - p2), p1 and p2 the probabilities of the two likeliest classes: 0
where the model is sure, 1 where two classes are as likely ("breaking ties": Luo et al., Active Learning to Recognize
Multiple Types of Plankton, JMLR 6, 2005, averaged over pixels). It depends on no number of classes, as entropy does.

Features are the class probabilities of the model, averaged over each of 4 x 4 parts of the picture. Their square roots
are kept, whose distance is that of Hellinger, 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from zoo.segment.scores import Kind

#: Parts of a picture along each side.
PARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What a model tells of a picture.

    Attributes:
        uncertainty: 0 to 1.
        features: (PARTS * PARTS * C,) float32, roots of probabilities.
    """

    uncertainty: float
    features: NDArray[np.float32]


def glance(outputs: Sequence[NDArray[np.float32]], kind: Kind, reach: tuple[Fraction, Fraction] | None) -> Glance:
    """Looks at what a program returned for a picture.

    Args:
        outputs: (C, h, w) of the picture, or of each of its windows, which then count alike.
        kind: What the values are.
        reach: How many rows and columns lie over the picture, of one in one piece; None for all of them.
    """
    sums, unsure = 0.0, list[float]()
    for values in outputs:
        if reach is not None:
            rows, columns = (max(1, math.ceil(each)) for each in reach)
            values = values[:, :rows, :columns]
        shares = probabilities(values, kind)
        if len(shares) > 1:
            two = np.partition(shares, -2, axis=0)[-2:]
            unsure.append(float(1 - np.abs(two[1] - two[0]).mean()))
        else:
            unsure.append(0.0)
        sums = sums + _parts(shares)
    features = np.sqrt(np.asarray(sums) / len(outputs), dtype=np.float32)
    return Glance(min(1.0, max(0.0, sum(unsure) / len(unsure))), features.ravel())


def probabilities(values: NDArray[np.float32], kind: Kind) -> NDArray[np.float32]:
    """Returns the probabilities (C, h, w) of logits, or values that are probabilities as they are."""
    if kind == "probabilities":
        return np.clip(values, 0, 1)
    powers = np.exp(values - values.max(axis=0))
    return powers / powers.sum(axis=0)


def _parts(shares: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the mean (C, PARTS, PARTS) of the parts; parts of a picture with fewer rows share them."""
    _, height, width = shares.shape
    rows, columns = ([_bounds(side, part) for part in range(PARTS)] for side in (height, width))
    means = [[shares[:, top:end, left:right].mean(axis=(1, 2)) for left, right in columns] for top, end in rows]
    return np.moveaxis(np.array(means, np.float64), 2, 0)


def _bounds(side: int, part: int) -> tuple[int, int]:
    begin = min(side - 1, part * side // PARTS)
    return begin, max(begin + 1, (part + 1) * side // PARTS)


def distances(features: NDArray[np.float32], one: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the distance of each of (N, F) features from another's, 0 to 1, as Hellinger defines it."""
    return np.sqrt(np.square(features - one).sum(axis=1) / (2 * PARTS * PARTS))

"""Which of several models none of the others beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A model with its figures.

    Attributes:
        name: Its name.
        measured_on: What its mIoU was measured on; only those of one compare.
        miou: A fraction of 1; None where it publishes none.
        latency: Seconds.
        memory: Bytes.
    """

    name: str
    measured_on: str
    miou: float | None
    latency: float
    memory: int


def dominates(one: Point, other: Point) -> bool:
    """Whether a model is as good as another in mIoU, latency and memory, and better in one of them.

    It is not where their mIoU come from different datasets, for then they do not compare.
    """
    if one.measured_on != other.measured_on:
        return False
    pairs = (
        (-(one.miou or 0.0), -(other.miou or 0.0)),
        (one.latency, other.latency),
        (float(one.memory), float(other.memory)),
    )
    return all(left <= right for left, right in pairs) and any(left < right for left, right in pairs)


def dominator(points: Sequence[Point], number: int) -> int | None:
    """Returns the number of a model on the front that dominates another; None where that one is on the front itself."""
    above = [each for each, point in enumerate(points) if dominates(point, points[number])]
    # Dominance is transitive: what is above everything that is above is on the front.
    return next((each for each in above if not any(dominates(points[other], points[each]) for other in above)), None)

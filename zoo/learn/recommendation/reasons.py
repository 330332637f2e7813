"""Why a model is the first of those that were measured, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.learn.recommendation.limits import megabytes, milliseconds
from zoo.learn.recommendation.pareto import Point
from zoo.message import Message


def why_first(row: Point, others: Sequence[Point], fastest: bool) -> Message:
    """Returns the sentence.

    Args:
        row: The first model.
        others: The other ones that keep the limits and whose mIoU compare with its.
        fastest: Whether the fastest is first; else it is the one with the highest mIoU.
    """
    about: dict[str, Any] = {
        "name": row.name,
        "count": 1 + len(others),
        "dataset": row.measured_on,
        "miou": 100 * (row.miou or 0.0),
        "latency": milliseconds(row.latency),
        "memory": megabytes(row.memory),
    }
    if row.miou is None:
        return Message(
            "{name} is first: of {count} without a published mIoU it is the fastest, {latency} a picture.", **about
        )
    if not others:
        return Message(
            "{name} is first: no other model of {dataset} was measured that keeps what is asked. It has {miou:.2f} % "
            "mIoU and takes {latency} a picture and {memory}.",
            **about,
        )
    if fastest:
        best = max(others, key=lambda each: each.miou or 0.0)
        return Message(
            "{name} is first: of {count} with enough mIoU ({dataset}) it is the fastest, {latency} a picture with "
            "{miou:.2f} %; {other} has {other_miou:.2f} % and takes {other_latency}.",
            other=best.name,
            other_miou=100 * (best.miou or 0.0),
            other_latency=milliseconds(best.latency),
            **about,
        )
    quickest = min(others, key=lambda each: each.latency)
    if quickest.latency >= row.latency:
        return Message(
            "{name} is first: of {count} it has the highest mIoU, {miou:.2f} % ({dataset}), and is the fastest with "
            "{latency} a picture.",
            **about,
        )
    return Message(
        "{name} is first: of {count} it has the highest mIoU, {miou:.2f} % ({dataset}), at {latency} a picture; "
        "{other}, the fastest, takes {other_latency} and has {other_miou:.2f} %.",
        other=quickest.name,
        other_miou=100 * (quickest.miou or 0.0),
        other_latency=milliseconds(quickest.latency),
        **about,
    )

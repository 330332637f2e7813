"""What a model may cost at most and must reach at least, and by how much another one misses that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.message import Message

Kind = Literal["latency", "memory", "miou"]


@dataclass(frozen=True, slots=True)
class Demands:
    """What is asked of a model; None where nothing is.

    Attributes:
        latency: Most seconds from reading one picture to its mask.
        memory: Most bytes of memory of its process.
        miou: Least published mIoU, a fraction of 1.
    """

    latency: float | None = None
    memory: int | None = None
    miou: float | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """A limit that a model misses.

    Attributes:
        kind: Which.
        share: By which share of the limit; infinite where the figure is unknown.
        text: The same in words: a clause.
    """

    kind: Kind
    share: float
    text: Message


def milliseconds(seconds: float) -> str:
    """Returns a latency for people, such as "12.3 ms"."""
    return f"{1000 * seconds:.1f} ms"


def megabytes(size: int) -> str:
    """Returns memory for people, such as "512 MB"."""
    return f"{size / 1e6:.0f} MB"


def miou_missed(limits: Demands, miou: float | None) -> tuple[Miss, ...]:
    """Returns the miss of a published mIoU, if it is one."""
    least = limits.miou
    if least is None or (miou is not None and miou >= least):
        return ()
    if miou is None:
        said = Message("it publishes no mIoU, and at least {least:.2f} % is asked for", least=100 * least)
        return (Miss("miou", float("inf"), said),)
    said = Message(
        "its mIoU is {value:.2f} %, {by:.2f} points below the {least:.2f} % of --min-miou",
        value=100 * miou,
        by=100 * (least - miou),
        least=100 * least,
    )
    return (Miss("miou", (least - miou) / least, said),)


def cost_missed(limits: Demands, latency: float, memory: int) -> tuple[Miss, ...]:
    """Returns the limits that what was measured exceeds."""
    misses: list[Miss] = []
    if limits.latency is not None and latency > limits.latency:
        by = latency - limits.latency
        said = Message(
            "a picture takes {value}, {by} more than the {most} of --max-latency",
            value=milliseconds(latency),
            by=milliseconds(by),
            most=milliseconds(limits.latency),
        )
        misses.append(Miss("latency", by / limits.latency, said))
    if limits.memory is not None and memory > limits.memory:
        more = memory - limits.memory
        said = Message(
            "it takes {value} of memory, {by} more than the {most} of --max-memory",
            value=megabytes(memory),
            by=megabytes(more),
            most=megabytes(limits.memory),
        )
        misses.append(Miss("memory", more / max(limits.memory, 1), said))
    return tuple(misses)

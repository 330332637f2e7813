"""Measures the models that are here on one's own pictures, and says which of them is first and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from zoo.bundle.bundle import settled
from zoo.engine.device import Devices, available_cores, find_devices
from zoo.errors import ConfigError, SourceError, ZooError
from zoo.learn.picture_files import picture_files
from zoo.learn.recommendation.limits import Demands, Miss, cost_missed, miou_missed
from zoo.learn.recommendation.model_cost import Cost, cost_subject, kept_cost, measure_cost
from zoo.learn.recommendation.offers import Offer
from zoo.learn.recommendation.pareto import Point, dominator
from zoo.learn.recommendation.reasons import why_first
from zoo.message import Message
from zoo.picture.sources import inputs
from zoo.registry.discovery import discover
from zoo.store.find import find_bundle

#: Most pictures that are measured on, spread evenly over those that are given.
MOST = 5


@dataclass(frozen=True, slots=True)
class Suggested:
    """A model beside the others.

    Attributes:
        offer: What its card says.
        cost: What it costs here; None where it was not measured.
        kept: Whether that was measured earlier.
        misses: The limits that it misses.
        front: Whether it keeps all limits, and no other that does is as good in everything and better in something.
        below: Name of such a model; empty where there is none.
        absent: Why it was not measured, a clause; empty where it was, or where its card misses a limit already.
        hint: What helps then.
    """

    offer: Offer
    cost: Cost | None = None
    kept: bool = False
    misses: tuple[Miss, ...] = ()
    front: bool = False
    below: str = ""
    absent: str = ""
    hint: str = ""

    @property
    def point(self) -> Point:
        """Its figures; the latency is infinite and the memory 0 where it was not measured."""
        cost = (float("inf"), 0) if self.cost is None else (self.cost.latency, self.cost.memory)
        return Point(self.offer.name, self.offer.measured_on, self.offer.miou, *cost)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The models in the order in which they are recommended.

    Attributes:
        rows: They; first those on the front, dataset by dataset, then the others that keep the limits, those that miss
            one, and those that were not measured.
        firsts: By what mIoU were measured on, the name of the first model and why it is first.
        nearest: Where none keeps the limits: which limit refuses the nearest, and by how much; else empty.
        pictures: On how many pictures was measured.
        unread: Pictures that could not be read: path and reason.
        device: Where.
        threads: With how many threads of the engine.
    """

    rows: tuple[Suggested, ...]
    firsts: dict[str, tuple[str, Message]]
    nearest: str
    pictures: int
    unread: tuple[tuple[str, str], ...]
    device: str
    threads: int


def recommend(
    offered: Sequence[Offer],
    sources: Sequence[str],
    limits: Demands,
    *,
    device: str = "cpu",
    threads: int | None = None,
    again: bool = False,
    report: Callable[[str, int, int], object] | None = None,
) -> Recommendation:
    """Measures models on pictures and orders them.

    Args:
        offered: The models, of `offers`. Nothing is downloaded.
        sources: Paths and patterns of pictures, of which at most `MOST` are measured on.
        limits: What they must keep. One whose card misses a limit is not measured.
        device: As of `zoo.load`.
        threads: Threads of the engine; by default as many as cores are available.
        again: Measure also what is kept.
        report: Is told the name of the model that is measured next, how many were, and how many are to be.

    Raises:
        ConfigError: There is no picture.
        SourceError: None of them can be read.
        DeviceError: The device cannot be used.
    """
    files, sizes, unread = _pictures(picture_files(sources))
    devices = find_devices(device, discover("zoo.devices"))
    count = threads or available_cores()
    rows = [_before(offer, limits) for offer in offered]
    waiting = sum(not row.misses and not row.absent for row in rows)
    done = 0
    for number, row in enumerate(rows):
        if row.misses or row.absent:
            continue
        if report is not None:
            report(row.offer.name, done, waiting)
        done += 1
        rows[number] = _measured(row, limits, devices, device, count, files, sizes, again)
    return _ordered(rows, limits, len(files), unread, device, count)


def _pictures(paths: Sequence[str]) -> tuple[list[str], list[tuple[int, int]], tuple[tuple[str, str], ...]]:
    """Returns the pictures to measure on, their sizes, and those that cannot be read."""
    step = max(1.0, len(paths) / MOST)
    chosen = [paths[int(place * step)] for place in range(min(MOST, len(paths)))]
    files: list[str] = []
    sizes: list[tuple[int, int]] = []
    unread: list[tuple[str, str]] = []
    for path in chosen:
        try:
            height, width = next(iter(inputs(path))).read().shape[:2]
        except SourceError as error:
            if len(unread) == len(chosen) - 1:
                raise
            unread.append((path, error.message))
            continue
        files.append(path)
        sizes.append((height, width))
    return files, sizes, tuple(unread)


def _before(offer: Offer, limits: Demands) -> Suggested:
    """Returns what is known of a model before it is measured."""
    misses = miou_missed(limits, offer.miou)
    if misses or not offer.absent:
        return Suggested(offer, misses=misses)
    return Suggested(offer, absent=offer.absent, hint=Message("Run: {command}", command=offer.command))


def _measured(
    row: Suggested,
    limits: Demands,
    devices: Devices,
    device: str,
    threads: int,
    files: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    again: bool,
) -> Suggested:
    name = row.offer.name
    try:
        program = settled(find_bundle(name, offline=True)).verify()
        subject = cost_subject(program, devices, threads, sizes)
        kept = None if again else kept_cost(subject)
        cost = kept or measure_cost(name, subject, device, files)
    except ZooError as error:
        return replace(row, absent=error.message.removesuffix("."), hint=error.hint)
    return replace(row, cost=cost, kept=kept is not None, misses=cost_missed(limits, cost.latency, cost.memory))


def _ordered(
    rows: Sequence[Suggested],
    limits: Demands,
    pictures: int,
    unread: tuple[tuple[str, str], ...],
    device: str,
    threads: int,
) -> Recommendation:
    keeping = [row for row in rows if row.cost is not None and not row.misses]
    points = [row.point for row in keeping]
    below = [dominator(points, number) for number in range(len(points))]
    keeping = [
        replace(row, front=other is None, below="" if other is None else points[other].name)
        for row, other in zip(keeping, below, strict=True)
    ]
    # With nothing but a least mIoU, the fastest that reaches it; else the best that the limits allow.
    fastest = limits.miou is not None and limits.latency is None and limits.memory is None

    def place(row: Suggested) -> tuple[bool, bool, str, float, float, str]:
        point = row.point
        figures = (point.latency, -(point.miou or 0.0)) if fastest else (-(point.miou or 0.0), point.latency)
        return not row.front, point.miou is None, point.measured_on, *figures, point.name

    keeping.sort(key=place)
    firsts: dict[str, tuple[str, Message]] = {}
    for point in [row.point for row in keeping]:
        if point.measured_on not in firsts:
            others = [row.point for row in keeping if row.point.measured_on == point.measured_on and row.point != point]
            firsts[point.measured_on] = point.name, why_first(point, others, fastest)
    refused = sorted((row for row in rows if row.misses), key=lambda row: (_worst(row).share, row.offer.name))
    missing = sorted((row for row in rows if row.absent), key=lambda row: row.offer.name)
    nearest = "" if keeping or not refused else _nearest(refused[0])
    if missing and not keeping and not refused:
        raise ConfigError(
            "No model could be measured. {model}: {reason}.",
            "{hint}",
            model=missing[0].offer.name,
            reason=missing[0].absent,
            hint=missing[0].hint,
        )
    return Recommendation((*keeping, *refused, *missing), firsts, nearest, pictures, unread, device, threads)


def _worst(row: Suggested) -> Miss:
    return max(row.misses, key=lambda miss: miss.share)


def _nearest(row: Suggested) -> Message:
    return Message(
        "No model is known to keep the limits. The nearest is {model}: {reasons:; }.",
        model=row.offer.name,
        reasons=[miss.text for miss in row.misses],
    )

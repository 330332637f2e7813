"""Items of equal shape run together, and come out in the order in which they came in."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")
Given = TypeVar("Given", covariant=True)

#: Largest batch that "auto" tries.
LARGEST = 8
# A larger batch must be so much faster a picture to be worth its memory and delay.
_GAIN = 0.97
# Batches of other shapes that may wait, as a multiple of the batch size: pictures of a folder are mostly of few sizes.
_SPREAD = 2
# Results that may wait for one before them that is not done.
_BACKLOG = 16


@dataclass
class BatchSizer:
    """Says how many items run together.

    Attributes:
        wanted: A number; or "auto": sizes are doubled as long as the time a picture falls, for each shape apart.
    """

    wanted: int | Literal["auto"]
    # How many batches of a shape and size there were, and the shortest time a picture.
    _tried: dict[Hashable, dict[int, tuple[int, float]]] = field(
        default_factory=dict[Hashable, dict[int, tuple[int, float]]]
    )

    @property
    def largest(self) -> int:
        """The most items a batch may have."""
        return LARGEST if self.wanted == "auto" else self.wanted

    def size(self, shape: Hashable) -> int:
        """Returns the size of the next batch of a shape."""
        if self.wanted != "auto":
            return self.wanted
        times = {size: seconds for size, (count, seconds) in self._tried.get(shape, {}).items() if count > 1}
        if not times:
            return 1
        top = max(times)
        if top == 1 or times[top] < _GAIN * times[top // 2]:
            return top if top == LARGEST else 2 * top
        return min(times, key=lambda size: (times[size] > min(times.values()) / _GAIN, size))

    def ran(self, shape: Hashable, count: int, seconds: float) -> None:
        """Takes note of a batch. The first of a size and shape is slower and is counted only by the best of two."""
        if self.wanted == "auto":
            sizes = self._tried.setdefault(shape, {})
            batches, shortest = sizes.get(count, (0, math.inf))
            sizes[count] = batches + 1, min(shortest, seconds / count)


class Begun(Protocol[Given]):
    """A batch that runs, or has run; `zoo.base.pending.Pending` is one."""

    def done(self) -> bool:
        """Whether `result` needs not wait."""
        ...

    def result(self) -> Sequence[Given]:
        """Waits for the results of the batch; may be asked again."""
        ...


@dataclass
class _Window(Generic[Item, Done]):
    """Items that wait for others of their shape, and results that wait for their turn."""

    waiting: dict[Hashable, list[tuple[int, Item]]] = field(default_factory=dict[Hashable, list[tuple[int, Item]]])
    begun: dict[int, tuple[Begun[Done], int]] = field(default_factory=dict[int, tuple[Begun[Done], int]])

    def count(self) -> int:
        return sum(map(len, self.waiting.values()))

    def oldest(self) -> Hashable:
        return min(self.waiting, key=lambda shape: self.waiting[shape][0][0])

    def flush(self, shape: Hashable, start: Callable[[Sequence[Item]], Begun[Done]]) -> None:
        # Out of the window first: if the run raises, nothing of it may be run again.
        batch = self.waiting.pop(shape)
        begun = start([item for _, item in batch])
        for place, (number, _) in enumerate(batch):
            self.begun[number] = begun, place


def in_batches(
    items: Iterable[Item],
    shape: Callable[[Item], Hashable | None],
    start: Callable[[Sequence[Item]], Begun[Done]],
    alone: Callable[[Item], Done],
    sizer: BatchSizer,
) -> Generator[Done, None, None]:
    """Runs items in batches of equal shape.

    Args:
        items: The items.
        shape: What must be equal in a batch; None for an item that does not run.
        start: Starts a batch, which gives one result an item, in order. It is what keeps too many batches from running
            at once, by waiting.
        alone: Makes the result of an item that does not run, or raises; called when it is its turn.
        sizer: How many run together.

    Raises:
        Exception: What `items` or a batch raised, at its place; everything before it has come out.

    Yields:
        The results in the order of the items. At most twice the batch size of items wait for others of their shape, and
        a few results for one before them.
    """
    window: _Window[Item, Done] = _Window()
    skipped: dict[int, Item] = {}
    most = max(_BACKLOG, _SPREAD * sizer.largest)
    turn = 0

    def flush_down_to(most_waiting: int) -> None:
        while window.waiting and window.count() + len(skipped) > most_waiting:
            window.flush(window.oldest(), start)

    def ready(wait: bool = False) -> Generator[Done, None, None]:
        nonlocal turn
        while turn in window.begun or turn in skipped:
            if turn in skipped:
                result = alone(skipped.pop(turn))
            else:
                begun, place = window.begun[turn]
                if not (wait or begun.done() or len(window.begun) + len(skipped) > most):
                    # The next batch may start meanwhile.
                    return
                del window.begun[turn]
                result = begun.result()[place]
            turn += 1
            yield result

    faults: list[Exception] = []
    for number, item in enumerate(_until_fault(items, faults)):
        kind = shape(item)
        if kind is None:
            skipped[number] = item
        else:
            window.waiting.setdefault(kind, []).append((number, item))
            if len(window.waiting[kind]) >= sizer.size(kind):
                window.flush(kind, start)
        flush_down_to(_SPREAD * sizer.largest - 1)
        yield from ready()
    flush_down_to(0)
    yield from ready(wait=True)
    if faults:
        raise faults[0]


def _until_fault(items: Iterable[Item], faults: list[Exception]) -> Generator[Item, None, None]:
    """Ends where the items raise, and keeps the error: what came before it comes out first."""
    try:
        yield from items
    except Exception as error:
        faults.append(error)

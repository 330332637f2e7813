"""Work ahead: items are worked on in threads before they are asked for, and come out in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

from zoo.base.pending import Pending, Workers

Item = TypeVar("Item")
Done = TypeVar("Done")


def ahead(
    items: Iterable[Item], work: Callable[[Item], Done], waiting: int = 4, workers: int = 1
) -> Generator[Done, None, None]:
    """Applies work to items, up to `waiting` of them ahead of the one that is asked for.

    Items are taken in the thread that iterates, so a generator of the caller's is never entered by another one. No
    thread is started where none would help: for a single item, or with `waiting` 1.

    Args:
        items: May be endless.
        work: Called in a thread.
        waiting: Most items taken and not yet handed out; at least 1. A few even out what single items take.
        workers: Threads.

    Yields:
        What `work` returned, in the order of the items.

    Raises:
        Exception: What `work` or `items` raised, at the place of that item; everything before it has come out.
    """
    source = iter(items)
    if waiting == 1:
        yield from map(work, source)
        return
    taken: list[Item] = []
    ended: Exception | None = None
    while ended is None and len(taken) < 2:
        try:
            taken.append(next(source))
        except Exception as error:
            # Also StopIteration: what was taken before comes out first. Ctrl-C does not wait for that.
            ended = error
    if ended is None:
        yield from _in_threads(chain(taken, source), work, waiting, workers)
        return
    yield from map(work, taken)
    if not isinstance(ended, StopIteration):
        raise ended


def _in_threads(
    source: Iterator[Item], work: Callable[[Item], Done], waiting: int, workers: int
) -> Generator[Done, None, None]:
    pending: deque[Pending[Done]] = deque()
    ended: Exception | None = None
    with Workers(workers, "zoo-ahead") as threads:
        try:
            while True:
                # What is done goes out first: the next item may be long in coming.
                while ended is None and len(pending) < waiting and not (pending and pending[0].done()):
                    try:
                        item = next(source)
                    except Exception as error:
                        ended = error
                        break
                    pending.append(threads.submit(partial(work, item)))
                if not pending:
                    break
                yield pending.popleft().result()
        finally:
            for result in pending:
                result.cancel()
    if ended is not None and not isinstance(ended, StopIteration):
        raise ended

"""Work ahead: items are worked on in threads before they are asked for, and come out in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def ahead(
    items: Iterable[Item], work: Callable[[Item], Done], waiting: int = 4, workers: int = 1
) -> Generator[Done, None, None]:
    """Applies work to items, up to `waiting` of them ahead of the one that is asked for.

    Items are taken in the thread that iterates, so a generator of the caller's is never entered by another one.

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
    pending: deque[Future[Done]] = deque()
    fault: Exception | None = None
    with ThreadPoolExecutor(workers, thread_name_prefix="zoo-ahead") as pool:
        try:
            while True:
                # What is done goes out first: the next item may be long in coming.
                while fault is None and len(pending) < waiting and not (pending and pending[0].done()):
                    try:
                        item = next(source)
                    except Exception as error:
                        # Also StopIteration: what was taken before comes out first. Ctrl-C does not wait for that.
                        fault = error
                        break
                    pending.append(pool.submit(work, item))
                if not pending:
                    break
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
    if fault is not None and not isinstance(fault, StopIteration):
        raise fault

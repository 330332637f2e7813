"""Batches: equal shapes together, results in order, and a size that is measured when asked for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from zoo.predict.batches import LARGEST, BatchSizer, in_batches


class Runner:
    """Notes its batches; an item is (number, shape), without shape it does not run."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, str]]] = []

    def __call__(self, batch: Sequence[tuple[int, str | None]]) -> Future[Sequence[int]]:
        assert len({shape for _, shape in batch}) == 1
        self.batches.append([(number, str(shape)) for number, shape in batch])
        future: Future[Sequence[int]] = Future()
        future.set_result([number for number, _ in batch])
        return future


def through(items: Sequence[tuple[int, str | None]], size: int) -> tuple[list[int], Runner]:
    run = Runner()
    flow = in_batches(items, lambda item: item[1], run, lambda item: -item[0], BatchSizer(size))
    return list(flow), run


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_mixture_results_come_in_order(size: int, seed: int) -> None:
    rng = random.Random(seed)
    items = [(number, rng.choice(["a", "b", "c", None])) for number in range(1, 60)]
    results, run = through(items, size)
    assert results == [number if shape else -number for number, shape in items]
    assert max(map(len, run.batches)) <= size


def test_two_sizes_that_alternate_still_fill_their_batches() -> None:
    items = [(number, "ab"[number % 2]) for number in range(16)]
    _, run = through(items, 4)
    assert [len(batch) for batch in run.batches] == [4, 4, 4, 4]


def test_few_items_wait_for_others_of_their_shape() -> None:
    taken = 0

    def items():
        nonlocal taken
        yield (0, "rare")
        for number in range(1, 100):
            taken = number
            yield (number, f"shape {number}")

    flow = in_batches(items(), lambda item: item[1], Runner(), lambda item: 0, BatchSizer(4))
    assert next(flow) == 0
    assert taken <= 8


@pytest.mark.parametrize("seed", range(5))
def test_batches_may_end_in_another_order_than_they_began(seed: int) -> None:
    rng = random.Random(seed)
    items = [(number, rng.choice(["a", "b", None])) for number in range(1, 80)]

    def work(batch: Sequence[tuple[int, str | None]]) -> list[int]:
        time.sleep(rng.uniform(0, 0.004))
        return [number for number, _ in batch]

    with ThreadPoolExecutor(3) as pool:
        flow = in_batches(
            items, lambda item: item[1], lambda batch: pool.submit(work, batch), lambda item: -item[0], BatchSizer(2)
        )
        assert list(flow) == [number if shape else -number for number, shape in items]


def test_few_results_wait_for_a_batch_that_takes_long() -> None:
    slow: Future[Sequence[int]] = Future()
    threading.Timer(0.2, slow.set_result, [[0]]).start()
    run = Runner()
    taken = 0

    def items():
        nonlocal taken
        for taken in range(1000):
            yield (taken, "a")

    flow = in_batches(
        items(), lambda item: item[1], lambda batch: run(batch) if batch[0][0] else slow, lambda item: 0, BatchSizer(1)
    )
    assert next(flow) == 0
    assert taken < 20
    assert list(flow) == list(range(1, 1000))


def test_an_item_that_does_not_run_raises_at_its_place() -> None:
    def refuse(item: tuple[int, str | None]) -> int:
        raise ValueError(item[0])

    items = [(0, "a"), (1, None), (2, "a")]
    flow = in_batches(items, lambda item: item[1], Runner(), refuse, BatchSizer(2))
    assert next(flow) == 0
    with pytest.raises(ValueError, match="1"):
        next(flow)


def settle(time_of_batch) -> int:
    sizer = BatchSizer("auto")
    for _ in range(60):
        size = sizer.size("shape")
        sizer.ran("shape", size, time_of_batch(size))
    return sizer.size("shape")


def test_the_measured_size_is_the_smallest_that_is_about_the_fastest() -> None:
    assert settle(lambda size: 1.0 * size) == 1
    assert settle(lambda size: 1.0 + 0.1 * size) == LARGEST
    assert settle(lambda size: 1.0 if size <= 4 else 2.0 * size) == 4
    # A first run is slow, whatever the size: it must not decide.
    first: set[int] = set()
    assert settle(lambda size: size if size in first else (first.add(size) or 100.0)) == 1


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 7, 12])
def test_what_came_before_the_error_of_a_generator_comes_out_first(size: int, count: int) -> None:
    def items():
        yield from ((number, "ab"[number % 2]) for number in range(count))
        raise ValueError("no more")

    flow = in_batches(items(), lambda item: item[1], Runner(), lambda item: 0, BatchSizer(size))
    assert [next(flow) for _ in range(count)] == list(range(count))
    with pytest.raises(ValueError, match="no more"):
        next(flow)

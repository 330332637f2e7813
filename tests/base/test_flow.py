"""Work ahead: order, bounds, errors at their place, nothing left running."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from zoo.base.flow import ahead


def test_results_come_in_the_order_of_the_items_whatever_the_work_takes() -> None:
    rng = random.Random(0)
    delays = [rng.uniform(0, 0.01) for _ in range(40)]

    def work(item: tuple[int, float]) -> int:
        time.sleep(item[1])
        return item[0]

    assert list(ahead(enumerate(delays), work, waiting=8, workers=4)) == list(range(40))


@pytest.mark.parametrize("waiting", [1, 3])
def test_no_more_is_taken_than_may_wait(waiting: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    flow = ahead(items(), lambda number: number, waiting)
    assert taken == []
    for expected in range(5):
        assert next(flow) == expected
        assert len(taken) <= expected + waiting
    flow.close()
    assert len(taken) <= 4 + waiting


def test_an_error_comes_at_the_place_of_its_item_and_ends_the_flow() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    flow = ahead(range(10), work, waiting=6, workers=3)
    assert [next(flow) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(flow)
    assert list(flow) == []


def test_an_error_of_the_items_comes_after_what_was_taken_before() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise KeyError("gone")

    flow = ahead(items(), lambda number: 10 * number, waiting=5)
    assert [next(flow), next(flow)] == [10, 20]
    with pytest.raises(KeyError):
        next(flow)


def test_items_are_taken_in_the_thread_of_the_caller_and_worked_on_in_others() -> None:
    here = threading.get_ident()
    took: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            took.append(threading.get_ident())
            yield number

    did = list(ahead(items(), lambda _: threading.get_ident(), waiting=2))
    assert set(took) == {here}
    assert here not in did


def test_closing_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    flow = ahead(range(100), lambda number: time.sleep(0.01) or number, waiting=10, workers=3)
    next(flow)
    flow.close()
    assert threading.active_count() == before

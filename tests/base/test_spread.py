"""Work in processes: every item is done, and one whose process ends costs nothing but itself."""

from __future__ import annotations

import threading

from zoo.base.spread import in_processes

ITEMS = [*(f"print({number}) or {number} ** 2" for number in range(60)), "__import__('os')._exit(9)"]


def test_every_item_is_done_by_some_process_and_one_that_ends_it_is_none() -> None:
    found = dict(in_processes(eval, ITEMS, 2))
    assert found == {**{number: number**2 for number in range(60)}, 60: None}


def test_few_items_are_done_here() -> None:
    assert list(in_processes(abs, [-3, 4], 8)) == [(0, 3), (1, 4)]


def test_nothing_is_left_of_work_that_is_given_up() -> None:
    before = threading.active_count()
    work = in_processes(eval, ["__import__('time').sleep(0.01)"] * 400, 2)
    next(work)
    work.close()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and "keep_asking" in thread.name:
            thread.join(10)
    assert threading.active_count() <= before

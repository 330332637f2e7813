"""Work given to threads: results, errors, what is not wanted any more, and Ctrl-C in the middle of anything."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from queue import SimpleQueue

import pytest

from zoo.base.pending import Pending, Workers


def test_threads_give_results_and_errors_in_any_order_they_are_asked_for() -> None:
    with Workers(2, "test") as workers:
        good, bad = workers.submit(lambda: 7), workers.submit(lambda: [][0])
        with pytest.raises(IndexError):
            bad.result()
        assert (good.result(), good.result(), good.done()) == (7, 7, True)


def test_what_has_not_begun_can_be_cancelled_and_is_not_done() -> None:
    free, ran = threading.Event(), []
    with Workers(1, "test") as workers:
        first, second = workers.submit(lambda: free.wait(60)), workers.submit(lambda: ran.append(2))
        second.cancel()
        free.set()
        assert first.result()
        first.cancel()
        assert first.result()
    with pytest.raises(CancelledError):
        second.result()
    assert not ran


def test_whoever_waits_for_several_is_told_of_each() -> None:
    told: SimpleQueue[None] = SimpleQueue()
    first, second = Pending[int](told), Pending[int](told)
    second.give(2)
    told.get(timeout=60)
    assert (first.done(), second.done()) == (False, True)
    first.cancel()
    told.get(timeout=60)


def test_threads_end_with_whoever_started_them() -> None:
    workers = Workers(2, "of nobody")
    workers.submit(int).result()
    threads = [thread for thread in threading.enumerate() if thread.name == "of nobody"]
    assert len(threads) == 2
    del workers
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


# Ctrl-C comes at every call, line and return in turn, until one comes too late.
_INTERRUPTED = """
import sys, time
from zoo.base.pending import Workers

class Watch:
    def __init__(self, at):
        self.left = at
    def __call__(self, frame, event, argument):
        self.left -= 1
        if self.left == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return self

def use(workers):
    slow = workers.submit(lambda: time.sleep(0.002))
    quick, unwanted = workers.submit(int), workers.submit(int)
    try:
        return slow.result(), quick.result()
    finally:
        unwanted.cancel()

workers, count = Workers(1, "test"), 0
while True:
    count += 1
    watch = Watch(count)
    sys.settrace(watch)
    try:
        use(workers)
    except KeyboardInterrupt:
        assert workers.submit(lambda: 5).result() == 5
    else:
        break
    finally:
        sys.settrace(None)
workers.close()
print(count)
"""


def test_ctrl_c_at_any_point_leaves_the_threads_at_work() -> None:
    ended = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout) > 50

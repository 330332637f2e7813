"""Lanes: sessions of one program in threads of this process, which run different batches at the same time.

One session with all threads has the first answer soonest: it serves a caller who is alone. Where callers overlap,
sessions with a part of the threads each, lanes, do more: the layers of a network do not divide evenly among threads. On
two cores two sessions of one thread run 1.06 to 1.37 times as many pictures as one session of two (paddlepaddle 3.2.2,
seven models at 512x1024), with the same outputs, bit for bit (`benchmarks/streams.py`). Users know lanes as streams,
OpenVINO's term.

Every session has a thread of its own: engines keep caches and helpers for each thread that enters them, and a caller
who is interrupted leaves the session to the others.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from zoo.base.pending import Pending
from zoo.contract.engine import Facts, Session
from zoo.engine.engine import Answer, Opener
from zoo.engine.streams import fork
from zoo.engine.streams.shares import shares
from zoo.engine.streams.worker import Task, Worker
from zoo.errors import ZooError

_log = logging.getLogger("zoo.engine.streams.lanes")

#: Lanes by default, where there are threads for them: every one holds the weights and a picture's features.
MOST = 4
# Lanes are opened when so many batches stood in line before others: by then they have taken about as long as opening.
_CROWD = 8
# How many seconds are waited for the end of what runs: longer than most batches take, and not for ever.
_PATIENCE = 4.0


class Lanes:
    """An `Engine` whose sessions run in threads of this process.

    Args:
        main: The session with all threads.
        opener: Opens a lane with so many threads.
        threads: Threads to share.
        count: Lanes; by default as many as there are threads, at most `MOST`. With 1 there is the main session only.
        fall_back: Whether the main session runs a batch again that failed in a lane. Not where a lane is a process:
            what ends it must not come to this one.

    Attributes:
        asked: Whether several streams were asked for.
    """

    def __init__(
        self, main: Session, opener: Opener, threads: int, count: int | None = None, *, fall_back: bool = True
    ) -> None:
        most = count or min(threads, MOST)
        self.asked = count is not None and count > 1
        self._pool = _Pool(main, opener, shares(threads, most) if most > 1 else [], fall_back)
        # Also at the end of the program: an engine must not be torn down while it runs, unless it hangs.
        weakref.finalize(self, self._pool.close)

    @property
    def facts(self) -> Facts:
        """Those of the main session."""
        return self._pool.main.session.facts

    @property
    def width(self) -> int:
        """Batches that run at the same time now; 1 in a process that was forked off."""
        return self._pool.width

    def submit(self, batch: NDArray[np.float32], told: SimpleQueue[None] | None = None) -> Pending[Answer]:
        """Runs a batch; see `Engine`."""
        return self._pool.submit(Task(batch, told))

    def close(self) -> None:
        """Refuses what waits, and waits a few seconds for what runs. A session is freed when it has ended."""
        self._pool.close()


class _Pool:
    """The sessions of `Lanes`. Their threads know it, and not the `Lanes`, which may go without being closed."""

    def __init__(self, main: Session, opener: Opener, shares: list[int], fall_back: bool) -> None:
        # Reentrant: the garbage collector may close this pool in the middle of a step.
        self._lock = threading.RLock()
        self.main = Worker()
        self.main.session = main
        self._workers = [self.main]
        self._lanes: list[Worker] = []
        self._opener, self._shares, self._fall_back = opener, shares, fall_back
        self._opening = False
        self._waiting: deque[Task] = deque()
        self._crowd = 0
        self._closed = False
        self._deadline = 0.0
        fork.watch(self)

    @property
    def _taken_over(self) -> bool:
        """Whether the lanes run what does not come alone: before all are open, so that fewer threads want a core."""
        return bool(self._lanes) and 2 * len(self._lanes) >= len(self._shares)

    @property
    def width(self) -> int:
        return len(self._lanes) if self._taken_over else 1

    def submit(self, task: Task) -> Pending[Answer]:
        with self._lock:
            if self._closed:
                task.refuse()
                return task.answer
            if self.main.thread is None:
                self.main.start(self._serve)
            ahead = len(self._waiting) + sum(worker.busy for worker in self._workers)
            self._crowd += ahead
            self._dispatch(task, alone=not ahead)
        return task.answer

    def close(self) -> None:
        with self._lock:
            refused, self._waiting = self._waiting, deque()
            if not self._closed:
                self._closed = True
                # For all calls together: a program that ends closes what its `with` has closed before.
                self._deadline = time.monotonic() + _PATIENCE
                self._shares = []
                for worker in self._workers:
                    worker.inbox.put(None)
        for task in refused:
            task.refuse()
        if self.main.thread is None:
            self.main.session.close()
        for worker in self._workers:
            worker.join(self._deadline)

    def _dispatch(self, task: Task, alone: bool = False) -> None:
        """Gives a task to a session that is idle, or lets it wait for one."""
        on_main = task.for_main or alone
        for worker in [self.main] if on_main else self._lanes if self._taken_over else [self.main, *self._lanes]:
            if not worker.busy:
                worker.give(task)
                return
        self._waiting.append(task)

    def _serve(self, worker: Worker) -> None:
        """What the thread of a session does."""
        while (task := worker.inbox.get()) is not None:
            while task is not None:
                self._run(worker, task)
                task = self._next(worker)
        worker.session.close()

    def _next(self, worker: Worker) -> Task | None:
        with self._lock:
            if worker is self.main and self._crowd >= _CROWD:
                # Here and not in `submit`: what prints while it is opened is not the caller's.
                self._open_next()
            for task in self._waiting:
                if self._suits(task, worker):
                    self._waiting.remove(task)
                    return task
            worker.busy = False
            return None

    def _suits(self, task: Task, worker: Worker) -> bool:
        if worker is self.main:
            return task.for_main or not self._taken_over
        return worker in self._lanes and not task.for_main

    def _run(self, worker: Worker, task: Task) -> None:
        if not task.begin():
            return
        began = time.perf_counter()
        try:
            with worker.running:
                output = worker.session.run(task.batch)
        except BaseException as error:
            if worker is self.main or not self._fall_back:
                task.answer.fail(error)
            else:
                self._hand_over(task, error)
            return
        seconds = time.perf_counter() - began
        if task.fault is not None:
            self._give_up(task.fault)
        task.answer.give(Answer(output, worker.session.facts, seconds))

    def _hand_over(self, task: Task, fault: BaseException) -> None:
        """Gives the batch of a lane that failed to the main session."""
        task.fault = fault
        with self._lock:
            if not self._closed:
                self._dispatch(task)
                return
        task.refuse()

    def _open_next(self) -> None:
        if self._opening or len(self._lanes) >= len(self._shares):
            return
        self._opening = True
        worker = Worker()
        self._workers.append(worker)
        worker.start(self._serve_lane)

    def _serve_lane(self, worker: Worker) -> None:
        try:
            with worker.running:
                worker.session = self._opener(self._shares[len(self._lanes)])
        except Exception as error:
            self._give_up(error)
            return
        with self._lock:
            self._opening = False
            if self._shares:
                self._lanes.append(worker)
                self._open_next()
                if task := self._next(worker):
                    worker.give(task)
        self._serve(worker)

    def _give_up(self, why: BaseException) -> None:
        """Goes on with the main session alone."""
        with self._lock:
            if not self._shares:
                return
            self._shares, self._lanes = [], []
            for worker in self._workers[1:]:
                worker.inbox.put(None)
            waiting, self._waiting = self._waiting, deque()
            for task in waiting:
                self._dispatch(task)
        reason = why.message if isinstance(why, ZooError) else why
        _log.warning("a stream failed; the model goes on without streams: %s", reason)

    def hold(self) -> None:
        """Waits until no engine's code runs, and keeps it so."""
        self._lock.acquire()
        for worker in self._workers:
            worker.running.acquire()

    def release(self) -> None:
        for worker in self._workers:
            worker.running.release()
        self._lock.release()

    def forked(self) -> None:
        self._shares, self._lanes, self._workers = [], [], [self.main]
        self._waiting.clear()
        self.main.restart()
        self.release()

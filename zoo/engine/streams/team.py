"""A team: sessions side by side on devices of their own, each with all it needs, for one queue of batches.

Unlike lanes (`zoo.engine.streams.lanes`), which share the threads of one processor and are opened when there is a
crowd, every member is there from the start and takes the next batch when it is free: a slow one keeps none waiting.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.base.pending import Pending, Workers
from zoo.contract.engine import Facts
from zoo.engine.engine import Answer
from zoo.engine.streams import fork
from zoo.engine.streams.processes import ProcessSession
from zoo.engine.streams.worker import Task

_log = logging.getLogger("zoo.engine")

#: Opens a member.
MemberOpener: TypeAlias = Callable[[], ProcessSession]
# How many seconds are waited for the end of what runs.
_PATIENCE = 4.0


class Team:
    """An `Engine` whose sessions, each on a device or in a process of its own, take batches from one queue.

    Args:
        openers: Opens each member; all at the same time.

    Raises:
        BackendError: A member cannot be opened; the others are closed again.
        DeviceError: Likewise.

    Attributes:
        asked: True: several were asked for.
    """

    asked = True

    def __init__(self, openers: Sequence[MemberOpener]) -> None:
        self._members = _opened(openers)
        self._closed = False
        self._start()
        fork.watch(self)

    @property
    def facts(self) -> Facts:
        """Those of the first member, with the devices of all."""
        found = [member.facts for member in self._members]
        return replace(found[0], device=",".join(dict.fromkeys(facts.device for facts in found)))

    @property
    def width(self) -> int:
        """How many members there are."""
        return len(self._members)

    def submit(self, batch: NDArray[np.float32], told: SimpleQueue[None] | None = None) -> Pending[Answer]:
        """Runs a batch on the first member that is free; see `Engine`."""
        task = Task(batch, told)
        if self._closed:
            task.refuse()
        else:
            self._queue.put(task)
        return task.answer

    def close(self) -> None:
        """Refuses what waits, and waits a few seconds for what runs. A member is freed when it has ended."""
        self._closed = True
        _end(self._queue, self._threads)

    def hold(self) -> None:
        """Waits until no batch runs, and keeps it so."""
        for member in self._members:
            member.hold()

    def release(self) -> None:
        """Goes on after `hold`."""
        for member in self._members:
            member.release()

    def forked(self) -> None:
        """Goes on in a process that was forked off: with threads, and soon processes, of its own."""
        self.release()
        if not self._closed:
            self._start()

    def _start(self) -> None:
        queue: SimpleQueue[Task | None] = SimpleQueue()
        serving = _Serving(self._members)
        self._queue = queue
        self._threads = [
            threading.Thread(target=_serve, args=(member, queue, serving), name="zoo-engine", daemon=True)
            for member in self._members
        ]
        for thread in self._threads:
            thread.start()
        weakref.finalize(self, _end, queue, self._threads)


class _Serving:
    """The members that take batches."""

    def __init__(self, members: Sequence[ProcessSession]) -> None:
        self._lock = threading.Lock()
        self._left = list(members)

    def leaves(self, member: ProcessSession) -> bool:
        """Whether a member that failed takes no more batches: one that is given up, unless no other is left.

        It would fail them faster than the others run them.
        """
        with self._lock:
            if not member.given_up or len(self._left) == 1:
                return False
            self._left.remove(member)
        _log.warning("no more batches for %s, whose process ended again and again", member.facts.device)
        return True


def _opened(openers: Sequence[MemberOpener]) -> list[ProcessSession]:
    """Opens all members at the same time; none stays open where one cannot be opened."""
    with Workers(len(openers), "zoo-opens") as workers:
        pending = [workers.submit(opener) for opener in openers]
    opened: list[ProcessSession] = []
    error: BaseException | None = None
    for each in pending:
        try:
            opened.append(each.result())
        except BaseException as fault:
            error = error or fault
    if error is not None:
        for session in opened:
            session.close()
        raise error
    return opened


def _serve(session: ProcessSession, queue: SimpleQueue[Task | None], serving: _Serving) -> None:
    """What the thread of a member does."""
    while not serving.leaves(session) and (task := queue.get()) is not None:
        if not task.begin():
            continue
        began = time.perf_counter()
        try:
            output = session.run(task.batch)
        except BaseException as error:
            task.answer.fail(error)
        else:
            task.answer.give(Answer(output, session.facts, time.perf_counter() - began))
    session.close()


def _end(queue: SimpleQueue[Task | None], threads: Sequence[threading.Thread]) -> None:
    """Refuses what waits, tells every member to end, and waits a moment."""
    while True:
        try:
            task = queue.get_nowait()
        except Empty:
            break
        if task is not None:
            task.refuse()
    for _ in threads:
        queue.put(None)
    deadline = time.monotonic() + _PATIENCE
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))

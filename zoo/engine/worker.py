"""A batch on its way, and the thread that runs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from zoo.base.pending import Pending
from zoo.contract.engine import Session
from zoo.engine.engine import Answer
from zoo.errors import InferenceError

# Features of larger inputs are not to be held once a lane; pixels of a batch.
_LARGEST = 1 << 22


class Task:
    """A batch on its way.

    Args:
        batch: (N, C, H, W) float32.
        told: Gets None when there is an answer.

    Attributes:
        answer: What becomes of it.
        fault: What a lane raised on it. The main session has the last word: it needs less memory alone, and has other
            settings to fall back to.
    """

    def __init__(self, batch: NDArray[np.float32], told: SimpleQueue[None] | None = None) -> None:
        self.batch = batch
        self.answer: Pending[Answer] = Pending(told)
        self.fault: BaseException | None = None

    @property
    def for_main(self) -> bool:
        """Whether only the main session may run it."""
        pixels = self.batch.size // max(1, self.batch.shape[1]) if self.batch.ndim > 1 else 0
        return self.fault is not None or pixels > _LARGEST

    def begin(self) -> bool:
        """Whether it is still wanted; from here on it cannot be cancelled."""
        return self.fault is not None or self.answer.begin()

    def refuse(self) -> None:
        """Answers that the engine is closed."""
        if self.begin():
            self.answer.fail(
                InferenceError("The session is closed. An open one was expected.", "Load the model again.")
            )


class Worker:
    """A session and the thread it runs in.

    Attributes:
        session: The session; of a lane that is being opened not there yet.
        inbox: What to run next; None to end.
        busy: Whether something was put there, or runs.
        running: Held while the engine's own code runs, so that no process is forked off then.
        thread: The thread, once it was started.
    """

    session: Session

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Task | None] = SimpleQueue()
        self.busy = False
        self.running = threading.RLock()
        self.thread: threading.Thread | None = None

    def start(self, work: Callable[[Worker], None]) -> None:
        """Starts the thread."""
        thread = threading.Thread(target=work, args=(self,), name="zoo-engine", daemon=True)
        thread.start()
        self.thread = thread

    def join(self, deadline: float) -> None:
        """Waits for the end of the thread until a moment of `time.monotonic`, if there is one and it is another."""
        if self.thread not in (None, threading.current_thread()):
            self.thread.join(max(0.0, deadline - time.monotonic()))

    def restart(self) -> None:
        """Forgets the thread, in a process that was forked off."""
        self.inbox, self.busy, self.thread = SimpleQueue(), False, None

    def give(self, task: Task) -> None:
        """Hands it a batch while it is idle."""
        # In this order: a caller who is interrupted in between has given it all the same.
        self.inbox.put(task)
        self.busy = True

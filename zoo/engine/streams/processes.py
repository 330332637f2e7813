"""Sessions in processes of their own, with pictures and outputs in shared memory.

For engines that hold Python's interpreter lock while they run, so that their sessions take turns in threads, and for
code that may end the process it runs in. A worker is started afresh, never forked; it ends with the process that
started it, whatever ends that one, because its end of the socket closes. The shared memory has no name, so nothing of
it can stay behind.
"""

from __future__ import annotations

import logging
import pickle
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.engine import Facts, Session
from zoo.engine.engine import Opener
from zoo.engine.streams.worker_process import EndedError, WorkerProcess
from zoo.errors import BackendError, DeviceUnavailableError, InferenceError, ZooError

_log = logging.getLogger("zoo.engine")

# A worker that ended so often in a row is not started again.
_MOST_ENDS = 3


class ProcessSession(Session):
    """A session in a process of its own. One that ends costs the batch it ran; the next batch starts another.

    Args:
        opener: Opens the session there. It is pickled: a function of a module, or a `functools.partial` of one.
        threads: Its threads.
        device: The device it is on, such as "npu:1", where that may end it; empty for the processor.
        again: Whether a batch whose process ended is run once more, in another one.

    Raises:
        BackendError: The session cannot be opened, or its process ended.
        DeviceUnavailableError: Its process ended, on a device.
    """

    parallel = True

    def __init__(self, opener: Opener, threads: int, device: str = "", *, again: bool = False) -> None:
        self._order = pickle.dumps((opener, threads))
        self._device, self._attempts = device, 2 if again else 1
        self._lock = threading.Lock()
        self._closed = False
        self._ends = 0
        try:
            self._worker = self._start()
        except EndedError as end:
            if device:
                raise DeviceUnavailableError(
                    "The device {device} cannot be used: the process that opened the program there ended ({how}).",
                    "Run: zoo devices --probe",
                    device=device,
                    how=str(end),
                ) from None
            raise BackendError(
                "The process of the engine ended ({how}) when it opened the program.", "Use streams=1", how=str(end)
            ) from None
        self._facts = self._worker.facts

    @property
    def facts(self) -> Facts:
        """Those of the session in the process."""
        return self._facts

    @property
    def given_up(self) -> bool:
        """Whether the process ended so often in a row that it is not started again."""
        return self._ends >= _MOST_ENDS

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs a batch.

        Raises:
            InferenceError: The engine failed, or its process ended.
        """
        with self._lock:
            if self._closed:
                raise InferenceError("The session is closed. An open one was expected.", "Load the model again.")
            if self.given_up:
                raise InferenceError(
                    "The process of the engine ended {count} times in a row. It is not started again.",
                    "Load the model again, with streams=1 for an engine without other processes.",
                    count=self._ends,
                )
            try:
                output, self._facts = self._run(batch)
            except EndedError as end:
                self._ends += 1
                raise self._ended(str(end), batch.shape) from None
            except InferenceError:
                self._ends = 0
                raise
            except MemoryError as error:
                raise InferenceError("There is too little memory: {reason}.", "Use streams=1", reason=error) from error
            except ZooError as error:
                # What is raised when a process is started again.
                raise InferenceError(error.message, error.hint) from error
            self._ends = 0
            return output

    def hold(self) -> None:
        """Waits until no batch runs, and keeps it so: for `zoo.engine.streams.fork`."""
        self._lock.acquire()

    def release(self) -> None:
        """Goes on after `hold`."""
        self._lock.release()

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed = True
            self._worker.end()

    def _start(self) -> WorkerProcess:
        return WorkerProcess(self._order, bool(self._device))

    def _run(self, batch: NDArray[np.float32]) -> tuple[NDArray[Any], Facts]:
        for left in reversed(range(self._attempts)):
            try:
                if self._worker.gone:
                    self._worker = self._start()
                return self._worker.run(batch)
            except EndedError as end:
                if not left:
                    raise
                _log.warning("the process of the engine ended (%s); its batch is run again in another one", end)
        raise AssertionError

    def _ended(self, how: str, shape: tuple[int, ...]) -> InferenceError:
        if self._device:
            return InferenceError(
                "The device {device} failed: its process ended ({how}) on a batch of shape {shape}, also in its second "
                "try.",
                "Run: zoo devices --probe",
                device=self._device,
                how=how,
                shape=shape,
            )
        if self._attempts > 1:
            return InferenceError(
                "The process of the engine ended ({how}) on a batch of shape {shape}, also in its second try.",
                "Use a smaller picture or fewer workers",
                how=how,
                shape=shape,
            )
        return InferenceError(
            "The process of the engine ended ({how}) on a batch of shape {shape}.",
            "Use a smaller picture or streams=1",
            how=how,
            shape=shape,
        )

"""Sessions in processes of their own, with pictures and outputs in shared memory.

For engines that hold Python's interpreter lock while they run, so that their sessions take turns in threads, and for
code that may end the process it runs in. A worker is started afresh, never forked; it ends with the process that
started it, whatever ends that one, because its end of the socket closes. The shared memory has no name, so nothing of
it can stay behind.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.child import environment, python
from zoo.contract.engine import Facts, Session
from zoo.engine.engine import Opener
from zoo.engine.streams.memory import Block
from zoo.engine.trial import signal_name
from zoo.errors import BackendError, InferenceError, ZooError

# A worker that ended so often in a row is not started again.
_MOST_ENDS = 3
# The longest message: an error, or a program to open. Pictures do not go this way.
_LONGEST = 1 << 17
# How long a worker that was told to end may take.
_SECONDS = 10


class ProcessSession(Session):
    """A session in a process of its own. One that ends costs the batch it ran; the next batch starts another.

    Args:
        opener: Opens the session there. It is pickled: a function of a module, or a `functools.partial` of one.
        threads: Its threads.

    Raises:
        BackendError: The session cannot be opened, or its process ended.
    """

    parallel = True

    def __init__(self, opener: Opener, threads: int) -> None:
        self._order = pickle.dumps((opener, threads))
        self._lock = threading.Lock()
        self._closed = False
        self._ends = 0
        try:
            self._worker = _Worker(self._order)
        except _EndedError as end:
            raise BackendError(
                "The process of the engine ended ({how}) when it opened the program.", "Use streams=1", how=str(end)
            ) from None
        self._facts = self._worker.facts

    @property
    def facts(self) -> Facts:
        """Those of the session in the process."""
        return self._facts

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs a batch.

        Raises:
            InferenceError: The engine failed, or its process ended.
        """
        with self._lock:
            if self._closed:
                raise InferenceError("The session is closed. An open one was expected.", "Load the model again.")
            if self._ends >= _MOST_ENDS:
                raise InferenceError(
                    "The process of the engine ended {count} times in a row. It is not started again.",
                    "Load the model again, with streams=1 for an engine without other processes.",
                    count=self._ends,
                )
            try:
                if self._worker.gone:
                    self._worker = _Worker(self._order)
                output, self._facts = self._worker.run(batch)
            except _EndedError as end:
                self._ends += 1
                raise InferenceError(
                    "The process of the engine ended ({how}) on a batch of shape {shape}.",
                    "Use a smaller picture or streams=1",
                    how=str(end),
                    shape=batch.shape,
                ) from None
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

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed = True
            self._worker.end()


class _EndedError(Exception):
    """The process ended; the text says how."""


class _Worker:
    """The process, seen from the one that started it."""

    def __init__(self, order: bytes) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._batch, self._output = Block(), Block()
        with theirs:
            self._process = _started(theirs.fileno())
        _WORKERS.add(self)
        try:
            self.facts: Facts = self._ask(order)
        except BaseException:
            self.end()
            raise

    @property
    def gone(self) -> bool:
        """Whether it ended, or belongs to another process."""
        return self._socket.fileno() < 0

    def run(self, batch: NDArray[Any]) -> tuple[NDArray[Any], Facts]:
        handed = self._batch.put(batch)
        shape, dtype, facts = self._ask(pickle.dumps((batch.shape, batch.dtype.str)), handed)
        return self._output.get(shape, dtype).copy(), facts

    def _ask(self, message: bytes, handed: list[int] | None = None) -> Any:
        try:
            socket.send_fds(self._socket, [message], handed or [])
            answer, received, *_ = socket.recv_fds(self._socket, _LONGEST, 1)
        except OSError:
            answer, received = b"", []
        for descriptor in received:
            self._output.take(descriptor)
        if not answer:
            self.end()
            status = self._process.returncode
            raise _EndedError(f"exit status {status}" if status >= 0 else signal_name(-status))
        given = pickle.loads(answer)
        if isinstance(given, Exception):
            raise given
        return given

    def end(self) -> None:
        """Lets the process end, and waits for it."""
        if self.gone:
            return
        self._socket.close()
        self._batch.free()
        self._output.free()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Leaves it to the process this one was forked off from."""
        self._socket.close()
        # Its own destructor would wait for a child that is none.
        self._process.returncode = 0


_WORKERS: weakref.WeakSet[_Worker] = weakref.WeakSet()


def _in_child() -> None:
    for worker in list(_WORKERS):
        worker.forget()


os.register_at_fork(after_in_child=_in_child)


def _started(descriptor: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            python("zoo.engine.streams.processes", str(descriptor)),
            env=environment(),
            stdin=subprocess.DEVNULL,
            # What C++ prints there is nobody's.
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
            # Ctrl-C of a terminal is for the process that uses it.
            start_new_session=True,
        )
    except OSError as error:
        raise BackendError(
            "The process of the engine cannot be started: {reason}.", "Use streams=1", reason=error
        ) from error


def _end_with(descriptor: int) -> None:
    """Ends this process when nobody is at the other end any more, whatever its engine does then."""
    poll = select.poll()
    # A hang-up is told without being asked for.
    poll.register(descriptor, 0)
    poll.poll()
    os._exit(0)


def _work(descriptor: int) -> None:
    """What the process does: opens a session, and runs batches until nobody is at the other end."""
    threading.Thread(target=_end_with, args=(descriptor,), daemon=True).start()
    with socket.socket(fileno=descriptor) as here:
        opener, threads = pickle.loads(here.recv(_LONGEST))
        try:
            session: Session = opener(threads)
        except Exception as error:
            here.send(pickle.dumps(error))
            return
        here.send(pickle.dumps(session.facts))
        batches, outputs = Block(), Block()
        while True:
            message, received, *_ = socket.recv_fds(here, _LONGEST, 1)
            if not message:
                return
            for taken in received:
                batches.take(taken)
            handed: list[int] = []
            try:
                output = session.run(batches.get(*pickle.loads(message)))
                handed = outputs.put(output)
                answer: object = output.shape, output.dtype.str, session.facts
            except Exception as error:
                answer = error
            socket.send_fds(here, [pickle.dumps(answer)], handed)


if __name__ == "__main__":
    with contextlib.suppress(OSError, EOFError):
        # These mean that nobody is there any more.
        _work(int(sys.argv[1]))
    # Not by the usual way out: libraries that are torn down may hang or abort.
    os._exit(0)

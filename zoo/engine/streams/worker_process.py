"""The process of a `zoo.engine.streams.processes.ProcessSession`, from both sides."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import select
import socket
import subprocess
import sys
import threading
import weakref
from typing import Any, BinaryIO

from numpy.typing import NDArray

from zoo.base.child import environment, python
from zoo.contract.engine import Facts, Session
from zoo.engine.streams.memory import Block, appended
from zoo.engine.trial import signal_name
from zoo.errors import BackendError
from zoo.message import Message

# The longest message: an error, or a program to open. Pictures do not go this way.
_LONGEST = 1 << 17
# How paddle says why it ends a process.
_REASON = re.compile(r"^.*?(\([A-Z]\w+\) .+)", re.MULTILINE)
# How long a device may take to open a program: vendors' compilers take minutes.
_OPENING_SECONDS = 600.0
# How long a worker that was told to end may take.
_SECONDS = 10


class EndedError(Exception):
    """The process ended; the text says how."""


class WorkerProcess:
    """The process, seen from the one that started it.

    Args:
        order: What it opens, pickled.
        on_device: Whether it is on a device: what such a one's runtime says is kept for the reason if it ends the
            process, and opening may not take for ever.

    Raises:
        EndedError: The process ended, or took too long.
        BackendError: It cannot be started.
        ZooError: What it opens cannot be opened.

    Attributes:
        facts: What the session said of itself when it was opened.
    """

    def __init__(self, order: bytes, on_device: bool) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._batch, self._output = Block(), Block()
        self._said = appended("zoo-said") if on_device else None
        self._last_words = ""
        with theirs:
            self._process = _started(theirs.fileno(), self._said)
        _WORKERS.add(self)
        try:
            self._socket.settimeout(_OPENING_SECONDS if on_device else None)
            self.facts: Facts = self._ask(order)
            self._socket.settimeout(None)
        except BaseException:
            self.end()
            raise

    @property
    def gone(self) -> bool:
        """Whether it ended, or belongs to another process."""
        return self._socket.fileno() < 0

    def run(self, batch: NDArray[Any]) -> tuple[NDArray[Any], Facts]:
        """Runs a batch, and returns the output with what is known of the session by then.

        Raises:
            EndedError: The process ended.
            MemoryError: The batch cannot be shared.
            ZooError: The engine failed.
        """
        handed = self._batch.put(batch)
        shape, dtype, facts = self._ask(pickle.dumps((batch.shape, batch.dtype.str)), handed)
        return self._output.get(shape, dtype).copy(), facts

    def _ask(self, message: bytes, handed: list[int] | None = None) -> Any:
        try:
            socket.send_fds(self._socket, [message], handed or [])
            answer, received, *_ = socket.recv_fds(self._socket, _LONGEST, 1)
        except TimeoutError:
            self.end()
            raise EndedError(Message("took more than {seconds:g} seconds", seconds=_OPENING_SECONDS)) from None
        except OSError:
            answer, received = b"", []
        for descriptor in received:
            self._output.take(descriptor)
        if not answer:
            self.end()
            raise EndedError(self._how())
        if self._said is not None:
            self._said.truncate(0)
        given = pickle.loads(answer)
        if isinstance(given, Exception):
            raise given
        return given

    def _how(self) -> str:
        """Returns how the process ended, with the reason that was given last, if any."""
        status = self._process.returncode
        how = Message("exit status {status}", status=status) if status >= 0 else signal_name(-status)
        reasons = _REASON.findall(self._last_words)
        return Message("{how}: {reason}", how=how, reason=reasons[-1].strip(" .")) if reasons else how

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
        if self._said is not None:
            with self._said:
                self._said.seek(0)
                self._last_words = self._said.read().decode("utf-8", "replace")

    def forget(self) -> None:
        """Leaves it to the process this one was forked off from."""
        self._socket.close()
        # Its own destructor would wait for a child that is none.
        self._process.returncode = 0


_WORKERS: weakref.WeakSet[WorkerProcess] = weakref.WeakSet()


def _in_child() -> None:
    for worker in list(_WORKERS):
        worker.forget()


os.register_at_fork(after_in_child=_in_child)


def _started(descriptor: int, said: BinaryIO | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            python("zoo.engine.streams.worker_process", str(descriptor)),
            env=environment(),
            stdin=subprocess.DEVNULL,
            # What C++ prints there is nobody's.
            stdout=subprocess.DEVNULL,
            stderr=said,
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

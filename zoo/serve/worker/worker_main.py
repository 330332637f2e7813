"""The program of a worker process: opens the models, then answers until nobody is at the other end."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time

import numpy as np

from zoo.base.signals import answer_signals
from zoo.engine.streams.memory import Block
from zoo.errors import ZooError
from zoo.serve.exchange import KEPT, LONGEST, Asked, WorkerOrder, WorkerReply
from zoo.serve.worker.shelf import Shelf
from zoo.serve.worker.work import work

# Seconds until what hangs is ended without being asked.
_PATIENCE = 2.0
_PR_SET_PDEATHSIG = 1


def _end_with(descriptor: int) -> None:
    """Ends this process when nobody is at the other end any more, whatever it does then."""
    poll = select.poll()
    # A hang-up is told without being asked for.
    poll.register(descriptor, 0)
    poll.poll()
    # The main thread may have a child of its own, for a trial of an engine, which it ends.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(0)


def _serve(descriptor: int) -> None:
    threading.Thread(target=_end_with, args=(descriptor,), daemon=True).start()
    with socket.socket(fileno=descriptor) as here:
        bodies, answers = Block(), Block()
        message, received, *_ = socket.recv_fds(here, LONGEST, 1)
        bodies.take(received[0])
        order: WorkerOrder = pickle.loads(bodies.get((int(message),), "|u1").tobytes())
        bodies.free()
        shelf = Shelf(order)
        try:
            shelf.fill()
        except ZooError as error:
            here.send(pickle.dumps(WorkerReply(shelf.state, error=error)))
            return
        here.send(pickle.dumps(WorkerReply(shelf.state)))
        while True:
            message, received, *_ = socket.recv_fds(here, LONGEST, 1)
            if not message:
                return
            for taken in received:
                bodies.take(taken)
            asked: list[tuple[Asked, int]] = pickle.loads(message)
            lengths = [length for _, length in asked]
            told = work(shelf, [one for one, _ in asked], _parted(bodies, lengths), order.max_body)
            content = b"".join(content for _, content in told)
            handed = answers.put(np.frombuffer(content, np.uint8)) if content else []
            reply = WorkerReply(shelf.state, tuple(outcome for outcome, _ in told))
            socket.send_fds(here, [pickle.dumps(reply)], handed)
            if len(content) > KEPT:
                answers.free()
            if sum(lengths) > KEPT:
                bodies.free()


def _parted(block: Block, lengths: list[int]) -> list[bytes]:
    whole = block.get((sum(lengths),), "|u1").tobytes() if sum(lengths) else b""
    parts: list[bytes] = []
    for length in lengths:
        parts.append(whole[:length])
        whole = whole[length:]
    return parts


def _die_with_parent(parent: int) -> None:
    """Has the system end this process with its parent, also where no thread of it runs any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    logging.getLogger("zoo").addHandler(logging.NullHandler())
    answer_signals()
    _die_with_parent(int(sys.argv[2]))
    with contextlib.suppress(OSError, EOFError, KeyboardInterrupt):
        # These mean that nobody is there any more.
        _serve(int(sys.argv[1]))
    # Not by the usual way out: libraries that are torn down may hang or abort.
    os._exit(0)

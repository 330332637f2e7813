"""A process that makes batches of training examples when it is asked; they come back in memory that both share."""

from __future__ import annotations

import contextlib
import logging
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from zoo.base.child import environment, python
from zoo.engine.streams.memory import Block
from zoo.engine.trial import signal_name
from zoo.errors import TrainingError, ZooError
from zoo.learn.examples.examples import Batch, Examples
from zoo.message import Message

#: Batches that may be asked for before the first one is taken.
AHEAD = 2
# The longest answer: an error. Batches do not go this way.
_LONGEST = 1 << 17
_SECONDS = 5.0


class LoaderEndedError(Exception):
    """The process ended; the text says how."""


class LoaderProcess:
    """The process, seen from the one that trains.

    Args:
        order: The pickled `Examples`.

    Raises:
        TrainingError: It cannot be started.
    """

    def __init__(self, order: bytes) -> None:
        self._answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Each batch lies where the one two before it was.
        self._places = [(Block(), Block()) for _ in range(AHEAD)]
        self._taken = 0
        with theirs:
            self._process = _started(theirs.fileno())
        # It may have ended by now; whoever asks for an answer is told.
        with contextlib.suppress(OSError):
            self._write(order)

    def ask(self, batch: Sequence[int]) -> None:
        """Asks for a batch of examples; answers come in the order of the questions."""
        with contextlib.suppress(OSError):
            self._write(pickle.dumps(batch))

    def answer(self) -> Batch:
        """Returns the next batch. It is overwritten when another two were asked for.

        Raises:
            LoaderEndedError: The process ended.
            ZooError: A sample cannot be used.
        """
        try:
            answer, received, *_ = socket.recv_fds(self._answers, _LONGEST, 2)
        except OSError:
            answer, received = b"", []
        if not answer:
            raise LoaderEndedError(self._how())
        given = pickle.loads(answer)
        if isinstance(given, Exception):
            raise given
        layouts, numbers = given
        places = self._places[self._taken % AHEAD]
        self._taken += 1
        descriptors = iter(received)
        for place, (_, is_new) in zip(places, layouts, strict=True):
            if is_new:
                place.take(next(descriptors))
        images, masks = (place.get(*layout) for place, (layout, _) in zip(places, layouts, strict=True))
        return Batch(images, masks, numbers)

    def end(self) -> None:
        """Ends the process, and waits for it."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for place in self._places:
            for block in place:
                block.free()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _how(self) -> str:
        try:
            status = self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            return Message("it gives no answers")
        return Message("exit status {status}", status=status) if status >= 0 else signal_name(-status)


def _started(descriptor: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            python(__name__, str(descriptor)), stdin=subprocess.PIPE, env=environment(), pass_fds=[descriptor]
        )
    except OSError as error:
        raise TrainingError(
            "A process that prepares batches cannot be started: {reason}.", "Use train.workers=0", reason=error
        ) from error


def _work(descriptor: int) -> None:
    """What the process does: it ends with the one that started it, because its standard input closes."""
    # Ctrl-C of a terminal is for the run, which has batches made until it has written its checkpoint.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # What is to be said is in the answers.
    logging.lastResort = None
    # The memory of this process and of the run's has two owners each; neither overwrites what the other reads.
    places = [(Block(), Block()) for _ in range(AHEAD)]
    with socket.socket(fileno=descriptor) as here:
        examples: Examples = pickle.load(sys.stdin.buffer)
        made = 0
        while True:
            asked = pickle.load(sys.stdin.buffer)
            handed: list[int] = []
            try:
                batch = examples.batch(asked)
                layouts: list[tuple[tuple[tuple[int, ...], str], bool]] = []
                for place, array in zip(places[made % AHEAD], (batch.images, batch.masks), strict=True):
                    new = place.put(array)
                    handed += new
                    layouts.append(((array.shape, array.dtype.str), bool(new)))
                answer: object = layouts, batch.numbers
            except ZooError as error:
                answer = error
            except Exception as error:
                answer = TrainingError(
                    "A batch cannot be made: {reason}.",
                    "Run it again with train.workers=0 and --debug.",
                    reason=f"{type(error).__name__}: {error}",
                )
            made += 1
            socket.send_fds(here, [pickle.dumps(answer)], handed)


if __name__ == "__main__":
    with contextlib.suppress(OSError, EOFError):
        # These mean that nobody is there any more.
        _work(int(sys.argv[1]))

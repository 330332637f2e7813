"""Batches of a run in their order, made ahead in processes of their own.

A batch follows from its number alone, so a process that ends is replaced, and the run does not notice.
"""

from __future__ import annotations

import logging
import pickle
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

from zoo.errors import TrainingError
from zoo.learn.examples.examples import Batch, Examples
from zoo.learn.examples.loader_process import AHEAD, LoaderEndedError, LoaderProcess
from zoo.message import Message

_log = logging.getLogger("zoo.learn.training")
# A batch whose process ends so often ends every process.
_MOST_ENDS = 3


def batches_ahead(examples: Examples, rank: int, size: int, processes: int) -> Generator[Batch, None, None]:
    """Yields the batches of one process of a run.

    Args:
        examples: What they are made of.
        rank: Which process of the run this is; of a step it takes every size-th batch.
        size: How many processes the run has.
        processes: How many make batches ahead; none does it here, when a batch is asked for.

    Yields:
        The pictures (N, 3, h, w) float32 and the masks (N, h, w) uint8 or uint16. They may be overwritten when the next
        one is asked for.

    Raises:
        TrainingError: Processes have ended on the same batch again and again.
        ZooError: A sample cannot be used.
    """
    numbers = examples.batches(rank, size)
    if not processes:
        for batch in numbers:
            yield examples.batch(batch)
        return
    with ExitStack() as until_the_end:
        makers = [_Maker(pickle.dumps(examples)) for _ in range(processes)]
        for maker in makers:
            until_the_end.callback(maker.end)
        # In turn, so that nothing has to be said of who makes which.
        for maker in makers * AHEAD:
            maker.ask_next(numbers)
        while True:
            for maker in makers:
                if not maker.asked:
                    return
                yield maker.made()
                maker.ask_next(numbers)


class _Maker:
    """A process that makes batches, and the one that takes its place if it ends."""

    def __init__(self, order: bytes) -> None:
        self._order = order
        self._process = LoaderProcess(order)
        self.asked: deque[Sequence[int]] = deque()

    def ask_next(self, numbers: Iterator[Sequence[int]]) -> None:
        """Asks for one more batch, if there is one."""
        for batch in islice(numbers, 1):
            self.asked.append(batch)
            self._process.ask(batch)

    def made(self) -> Batch:
        """Returns the batch that was asked for first."""
        ends = 0
        while True:
            try:
                batch = self._process.answer()
            except LoaderEndedError as error:
                ends += 1
                self._process.end()
                if ends == _MOST_ENDS:
                    raise TrainingError(
                        "The processes that prepare batches end again and again on the same one: {how}.",
                        "If memory is short, give a smaller train.batch_size or fewer train.workers. The checkpoints "
                        "are whole.",
                        how=error,
                    ) from error
                _log.warning(Message("A process that prepares batches has ended and was replaced: {how}.", how=error))
                self._process = LoaderProcess(self._order)
                for batch in self.asked:
                    self._process.ask(batch)
            else:
                self.asked.popleft()
                return batch

    def end(self) -> None:
        """Ends the process."""
        self._process.end()

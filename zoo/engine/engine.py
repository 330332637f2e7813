"""What a loaded model runs its batches on, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.base.pending import Pending
from zoo.contract.engine import Facts, Session

#: Opens a session with so many threads.
Opener: TypeAlias = Callable[[int], Session]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What became of a batch.

    Attributes:
        output: The program's first output, one entry a picture.
        facts: The engine, its setting and its device as they really ran it.
        seconds: How long that session took, without the time the batch waited.
    """

    output: NDArray[Any]
    facts: Facts
    seconds: float


class Engine(Protocol):
    """An opened program that runs batches at the same time where that gains anything. Any thread may call it.

    Nobody owns a part of it, so nothing has to be given back, whatever interrupts a caller.

    Attributes:
        asked: Whether several batches at a time were asked for, so that a run without them must say so.
    """

    asked: bool

    @property
    def facts(self) -> Facts:
        """The engine, its setting and its device really in use."""
        ...

    @property
    def width(self) -> int:
        """Batches that run at the same time now. A caller with many gains from one more in flight, not from others."""
        ...

    def submit(self, batch: NDArray[np.float32], told: SimpleQueue[None] | None = None) -> Pending[Answer]:
        """Runs a batch as soon as its turn comes.

        Args:
            batch: (N, C, H, W) float32. It must not be changed before the answer is there.
            told: Gets None when the answer is there.

        Returns:
            The answer; or the InferenceError, also of an engine that is closed. A batch that has not begun may be
            cancelled.
        """
        ...

    def close(self) -> None:
        """Refuses what waits, ends what runs, and frees everything. Closing twice is harmless.

        What does not end within seconds is left behind, and freed if it ever ends.
        """
        ...

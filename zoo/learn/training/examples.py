"""The training examples of a run: which sample comes when, and what happens to it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from zoo.contract.recipe import Recipe
from zoo.contract.spec import Normalize, ValueRange
from zoo.errors import TrainingError, ZooError
from zoo.learn.data import Sample
from zoo.learn.training.augment import augment
from zoo.segment.transforms import preprocess

# What paddle puts around a reason: its kind, and the place in its source.
_CPP = re.compile(r"^\(\w+\) |\.?\s*\(at .*\)$|\.$")


class Examples(paddle.io.Dataset[tuple[NDArray[np.float32], NDArray[np.int64], np.int64]]):
    """The examples from an iteration on, each with the number of its sample.

    Example k of a run follows from (seed, k) alone; with `skip` also from which files can be used: in place of one that
    cannot the next one of the epoch is taken.

    Args:
        samples: Labelled pictures; every epoch has an order of its own.
        recipe: Pictures of a step, crop, augmentation and number of iterations.
        normalize: How pixels become the network's input.
        ignore_index: Mask value of pixels that do not count.
        seed: Seed of the order and of the augmentation.
        start: First iteration.
        value_range: Which values of more than 8 bits become black and white.
        skip: Pass over samples that cannot be used, up to a tenth of them.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        recipe: Recipe,
        normalize: Normalize,
        ignore_index: int,
        seed: int,
        start: int,
        value_range: ValueRange,
        skip: bool = False,
    ) -> None:
        super().__init__()
        self._samples, self._recipe, self._normalize = samples, recipe, normalize
        self._ignore_index, self._seed = ignore_index, seed
        self._range: ValueRange = value_range
        self._first = start * recipe.pictures_per_step
        self.most_skipped = len(samples) // 10 if skip else 0

    def __len__(self) -> int:
        return self._recipe.iterations * self._recipe.pictures_per_step - self._first

    @property
    def batch_size(self) -> int:
        """Pictures of a batch."""
        return self._recipe.batch_size

    def batches(self, rank: int, size: int) -> Iterator[list[int]]:
        """Yields the examples of each batch of one process in their order: of a step it takes every size-th batch."""
        batch = self._recipe.batch_size
        for first in range(rank * batch, len(self), size * batch):
            yield list(range(first, first + batch))

    def samples(self, iteration: int) -> tuple[Sample, ...]:
        """Returns the samples of an iteration of the run, in their order."""
        first = iteration * self._recipe.pictures_per_step
        return tuple(self._samples[self._number(first + number)] for number in range(self._recipe.pictures_per_step))

    def passed_over(self, iteration: int, taken: Sequence[int]) -> list[int]:
        """Returns the numbers of the samples that were passed over in an iteration.

        Args:
            iteration: The iteration.
            taken: The numbers of those that were taken, in their order.
        """
        first = iteration * self._recipe.pictures_per_step
        found: list[int] = []
        for example, number in enumerate(taken, first):
            for place in range(self.most_skipped + 1):
                if (other := self._number(example, place)) == number:
                    break
                found.append(other)
        return found

    def fault(self, iteration: int, workers: int, reason: BaseException) -> ZooError:
        """Returns why paddle's loader has ended in an iteration: a sample that cannot be used, or nothing of ours.

        Args:
            iteration: The iteration that waited for it.
            workers: Its processes, which are ahead of the iteration.
            reason: What paddle said; it does not say which sample it was.
        """
        ahead = iteration + 2 + 2 * max(1, workers)
        pictures = self._recipe.pictures_per_step
        for example in range(iteration * pictures, min(ahead, self._recipe.iterations) * pictures):
            try:
                self._loaded(example)
            except ZooError as error:
                return error
        return TrainingError(
            "A process that prepares batches has ended in iteration {iteration}: {reason}.",
            "If memory is short, give a smaller train.batch_size or fewer train.workers. The checkpoints are whole.",
            iteration=iteration + 1,
            reason=_CPP.sub("", str(reason).strip().splitlines()[0]),
        )

    def _number(self, example: int, further: int = 0) -> int:
        """Returns the number of an example's sample, or of one that is further in the order of its epoch."""
        count = len(self._samples)
        epoch, position = divmod(example, count)
        order = np.random.default_rng((self._seed, 0, epoch)).permutation(count)
        return int(order[(position + further) % count])

    def _loaded(self, example: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8 | np.uint16], int]:
        """Returns picture, mask and number of the sample that an example is made of."""
        for further in range(self.most_skipped):
            number = self._number(example, further)
            with contextlib.suppress(ZooError):
                return *self._samples[number].load(self._range), number
        number = self._number(example, self.most_skipped)
        return *self._samples[number].load(self._range), number

    def __getitem__(self, idx: int) -> tuple[NDArray[np.float32], NDArray[np.int64], np.int64]:
        example = self._first + idx
        try:
            image, mask, number = self._loaded(example)
        except ZooError:
            worker: Any = paddle.io.get_worker_info()
            if worker is None:
                raise
            # paddle cannot bring it to the run, which sees that this process has ended and asks `fault`.
            os._exit(1)
        rng = np.random.default_rng((self._seed, 1, example))
        image, mask = augment(image, mask, self._recipe.augmentation, self._recipe.crop, self._ignore_index, rng)
        tensor, _ = preprocess(image, (self._normalize,))
        return tensor, mask.astype(np.int64), np.int64(number)

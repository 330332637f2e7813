"""The training examples of a run: which sample comes when, and what happens to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.contract.recipe import Recipe
from zoo.contract.spec import Normalize, ValueRange
from zoo.errors import ZooError
from zoo.learn.data import Sample
from zoo.learn.examples.augment import augment
from zoo.segment.transforms import preprocess


class Batch(NamedTuple):
    """Some examples.

    Attributes:
        images: (N, 3, h, w) float32.
        masks: (N, h, w) uint8 or uint16.
        numbers: Of the samples they are made of.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.uint8 | np.uint16]
    numbers: tuple[int, ...]


class Examples:
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

    def __getitem__(self, place: int) -> tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16], int]:
        """Makes an example, counted from the first iteration: picture (3, h, w), mask (h, w), number of the sample.

        Raises:
            ZooError: The sample cannot be used.
        """
        example = self._first + place
        image, mask, number = self._loaded(example)
        rng = np.random.default_rng((self._seed, 1, example))
        image, mask = augment(image, mask, self._recipe.augmentation, self._recipe.crop, self._ignore_index, rng)
        tensor, _ = preprocess(image, (self._normalize,))
        return tensor, mask, number

    def batch(self, places: Sequence[int]) -> Batch:
        """Makes some examples.

        Raises:
            ZooError: A sample cannot be used.
        """
        images, masks, numbers = zip(*(self[place] for place in places), strict=True)
        return Batch(np.stack(images), np.stack(masks), numbers)

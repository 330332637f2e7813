"""The training examples of a run: which sample comes when, and what happens to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.contract.recipe import Recipe
from zoo.contract.spec import Normalize, ValueRange
from zoo.learn.data import Sample
from zoo.learn.examples.augment import augment
from zoo.segment.transforms import preprocess

#: Pictures (N, 3, h, w) float32 and masks (N, h, w) uint8 or uint16.
Batch: TypeAlias = tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16]]


class Examples:
    """The examples from an iteration on. Example k of a run follows from (seed, k) alone.

    Args:
        samples: Labelled pictures; every epoch has an order of its own.
        recipe: Pictures of a step, crop, augmentation and number of iterations.
        normalize: How pixels become the network's input.
        ignore_index: Mask value of pixels that do not count.
        seed: Seed of the order and of the augmentation.
        start: First iteration.
        value_range: Which values of more than 8 bits become black and white.
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
    ) -> None:
        self._samples, self._recipe, self._normalize = samples, recipe, normalize
        self._ignore_index, self._seed = ignore_index, seed
        self._range: ValueRange = value_range
        self._first = start * recipe.pictures_per_step

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
        return tuple(self._sample(first + number) for number in range(self._recipe.pictures_per_step))

    def _sample(self, example: int) -> Sample:
        epoch, position = divmod(example, len(self._samples))
        order = np.random.default_rng((self._seed, 0, epoch)).permutation(len(self._samples))
        return self._samples[order[position]]

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16]]:
        """Makes an example, counted from the first iteration: the picture (3, h, w) and its mask (h, w).

        Raises:
            ZooError: The sample cannot be used.
        """
        example = self._first + number
        image, mask = self._sample(example).load(self._range)
        rng = np.random.default_rng((self._seed, 1, example))
        image, mask = augment(image, mask, self._recipe.augmentation, self._recipe.crop, self._ignore_index, rng)
        tensor, _ = preprocess(image, (self._normalize,))
        return tensor, mask

    def batch(self, numbers: Sequence[int]) -> Batch:
        """Makes some examples, as arrays of all of them.

        Raises:
            ZooError: A sample cannot be used.
        """
        images, masks = zip(*(self[number] for number in numbers), strict=True)
        return np.stack(images), np.stack(masks)

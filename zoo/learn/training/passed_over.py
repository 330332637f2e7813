"""Samples that a run passes over because they cannot be used: counted, told, and not too many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from zoo.contract.recipe import Recipe
from zoo.contract.spec import ValueRange
from zoo.errors import DatasetError, ZooError
from zoo.learn.data import Sample
from zoo.learn.examples import Batch, Examples
from zoo.learn.training.process_group import ProcessGroup


class PassedOver:
    """What a run passes over.

    Args:
        examples: Its examples.
        samples: What they are made of.
        recipe: Batches of a step.
        team: The processes of the run.
        value_range: As of `train`.
        told: Called with iterations done and the samples that were passed over in the last one; None where nothing is.
    """

    def __init__(
        self,
        examples: Examples,
        samples: Sequence[Sample],
        recipe: Recipe,
        team: ProcessGroup,
        value_range: ValueRange,
        told: Callable[[int, Sequence[Sample]], None] | None,
    ) -> None:
        self._examples, self._samples, self._recipe, self._team = examples, samples, recipe, team
        self._range: ValueRange = value_range
        self._told = told
        self._taken: list[int] = []
        self._lost: set[int] = set()

    def noting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yields the batches of a step, and notes what they are made of."""
        self._taken = []
        for batch in batches:
            if self._told is not None:
                self._taken += batch.numbers
            yield batch

    def look(self, iteration: int) -> None:
        """Tells what was passed over in a step; all processes ask at the same place.

        Args:
            iteration: Its number from 0.

        Raises:
            DatasetError: It is too much in all.
        """
        if self._told is None:
            return
        own = np.zeros((self._recipe.devices, self._recipe.batch_size), np.int64)
        own[self._team.rank :: self._team.size] = np.reshape(self._taken, (-1, self._recipe.batch_size))
        numbers = self._examples.passed_over(iteration, self._team.total(own.ravel().tolist()))
        if numbers:
            self._lost.update(numbers)
            self._check()
            self._told(iteration + 1, [self._samples[number] for number in numbers])

    def _check(self) -> None:
        if len(self._lost) <= self._examples.most_skipped:
            return
        reasons: list[str] = []
        for number in sorted(self._lost):
            try:
                self._samples[number].load(self._range)
            except ZooError as error:
                reasons.append(error.message)
        raise DatasetError(
            "{count} of {all} pictures cannot be used, more than a tenth: {reasons:; }",
            "Restore them, then run: zoo train --resume RUN",
            count=len(self._lost),
            all=len(self._samples),
            reasons=reasons[:5],
        )

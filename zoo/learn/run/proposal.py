"""A family's official settings, scaled to one's own data: what a run does unless it is told otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from zoo.contract.recipe import CrossEntropy, Loss, OhemCrossEntropy, Recipe
from zoo.errors import ConfigError
from zoo.learn.run.configuration import Configuration, configuration_of
from zoo.registry import find_model
from zoo.registry.code import call_code

# Training crops are multiples of this: all families' networks divide their input by at most 32.
_MULTIPLE = 32
# How often a run shows each picture where the official one is longer.
_EPOCHS = 100
# A run of a few pictures has so many steps.
_LEAST_STEPS = 200
# Share of a run that is warm-up at most; evaluations in a run.
_WARMUP, _EVALUATIONS = 0.05, 20


def propose(
    recipe: Recipe,
    sizes: Sequence[tuple[int, int]],
    *,
    model: str,
    data: str,
    most: int | None = None,
    processes: int = 1,
    least: int = 1,
) -> Configuration:
    """Returns a whole configuration for some data.

    Crops are not larger than pictures, a step has no more pictures than there are, the learning rate follows the number
    of pictures in a step (linearly, arXiv 1706.02677), and the smallest number of hard pixels follows that of pixels.

    Args:
        recipe: The official settings.
        sizes: (height, width) of the training pictures, at least one.
        model: Name of the model.
        data: Path of the data.
        most: Pictures of a batch at most; those of the official one by default. A step has as many as before, in more
            batches.
        processes: Processes that share the batches of a step.
        least: The smallest side of a crop.
    """
    height, width = (_side(side, [size[axis] for size in sizes]) for axis, side in enumerate(recipe.crop))
    crop = (max(height, least), max(width, least))
    batch = min(most or recipe.batch_size, len(sizes))
    accumulate = min(recipe.pictures_per_step, len(sizes)) // batch
    if accumulate % processes:
        shared = batch * accumulate
        accumulate += processes - accumulate % processes
        batch = max(1, shared // accumulate)
    pictures = batch * accumulate
    steps = min(recipe.iterations, max(_LEAST_STEPS, math.ceil(_EPOCHS * len(sizes) / pictures)))
    share = pictures / recipe.pictures_per_step
    pixels = batch * crop[0] * crop[1] / (recipe.batch_size * recipe.crop[0] * recipe.crop[1])
    schedule = replace(
        recipe.schedule,
        learning_rate=_rounded(recipe.schedule.learning_rate * share),
        warmup_iterations=min(recipe.schedule.warmup_iterations, int(_WARMUP * steps)),
    )
    losses = tuple(
        tuple(_fitting(loss, pixels) for loss in each) if isinstance(each, tuple) else _fitting(each, pixels)
        for each in recipe.losses
    )
    scaled = replace(
        recipe, iterations=steps, batch_size=batch, devices=accumulate, crop=crop, schedule=schedule, losses=losses
    )
    said = configuration_of(scaled)
    every = max(1, steps // _EVALUATIONS)
    run = {
        "clip": None,
        "freeze": [],
        "seed": 0,
        "workers": 1,
        "evaluate_every": every,
        "patience": None,
        "keep": 3,
        "hours": None,
        "amp": False,
        "on_error": "stop",
        "tensorboard": False,
    }
    return {
        "model": model,
        "data": data,
        "pretrained": None,
        "value_range": None,
        **said,
        "train": {**said["train"], **run},
    }


def official_recipe(model: str) -> Recipe:
    """Returns the recipe of an installed model.

    Raises:
        ModelNotFoundError: No installed model has this name.
        ConfigError: Its family cannot be trained.
        PluginLoadError: What its recipe needs is not installed, or its code has failed.
    """
    found = find_model(model)
    if not found.family.recipe:
        raise ConfigError(
            "{model} has no recipe: its plugin {distribution} does not say how it is trained.",
            "Run: zoo list-models  (the families with networks have recipes)",
            model=found.card.name,
            distribution=found.distribution,
        )
    return call_code(found, found.family.recipe, found.card.name)


def _side(official: int, sides: Sequence[int]) -> int:
    """Returns a side of the crop: the official one, unless most pictures are smaller."""
    middle = sorted(sides)[len(sides) // 2]
    return min(official, math.ceil(middle / _MULTIPLE) * _MULTIPLE)


def _fitting(loss: Loss, pixels: float) -> Loss:
    if isinstance(loss, CrossEntropy):
        # Those of the official classes say nothing of others.
        return replace(loss, class_weights=())
    if isinstance(loss, OhemCrossEntropy):
        return replace(loss, min_kept=max(1, round(loss.min_kept * pixels)))
    return loss


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")

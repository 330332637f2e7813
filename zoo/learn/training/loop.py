"""The training loop: a recipe carried out on a list of samples, resumable at every checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from zoo.contract.recipe import (
    SGD,
    Recipe,
)
from zoo.contract.spec import Normalize
from zoo.errors import CheckpointError, TrainingError
from zoo.learn.data import Sample
from zoo.learn.training.checkpoint import (
    Checkpoint,
    newest_checkpoint,
)
from zoo.learn.training.examples import Examples
from zoo.learn.training.losses import total_loss

_log = logging.getLogger("zoo.learn.training")
_HALVES = Normalize()


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run reports after an iteration: steps done, mean loss since the last report, rate, seconds a picture."""

    iteration: int
    loss: float
    learning_rate: float
    seconds_per_picture: float


def train(
    network: nn.Layer,
    samples: Sequence[Sample],
    recipe: Recipe,
    output: str | Path,
    *,
    normalize: Normalize = _HALVES,
    ignore_index: int = 255,
    seed: int = 0,
    checkpoint_every: int = 500,
    report_every: int = 50,
    report: Callable[[Progress], None] | None = None,
    workers: int = 1,
    identity: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Trains a network and returns its last checkpoint.

    The order of the samples and every random change follow from the seed and the position alone, so a run that is
    resumed from its newest checkpoint in `output` sees what it would have seen without the break.

    Args:
        network: Layer whose training forward returns a list of logits, the main head first.
        samples: Labelled pictures.
        recipe: What to do.
        output: Folder of the run; checkpoints found there are continued.
        normalize: How pixels become the network's input.
        ignore_index: Mask value that does not count.
        seed: Seed of the order and of the augmentation.
        checkpoint_every: Iterations between checkpoints; the last iteration always gets one.
        report_every: Iterations between calls of `report`.
        report: Receives the progress.
        workers: Processes that prepare batches.
        identity: Facts of the run that a resumed run must share; the recipe is always among them.

    Raises:
        DatasetError: A sample cannot be used.
        CheckpointError: The checkpoint in `output` belongs to another run.
        TrainingError: The loss is no longer finite.
    """
    output = Path(output)
    facts = {"recipe": _plain(dataclasses.asdict(recipe)), "seed": seed, **(identity or {})}
    optimizer = _optimizer(network, recipe)
    average = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    start = 0
    resumed = newest_checkpoint(output)
    if resumed is not None:
        _check_identity(resumed, facts, output)
        network.set_state_dict({name: paddle.to_tensor(value) for name, value in resumed.model.items()})
        _restore_moments(optimizer, network, resumed.optimizer)
        average, start = dict(resumed.average), resumed.iteration
        _log.info("resuming %s at iteration %d", output, start)

    network.train()
    checkpoint = resumed
    losses: list[float] = []
    began = time.perf_counter()
    examples = Examples(samples, recipe, normalize, ignore_index, seed, start)
    batches = paddle.io.DataLoader(examples, batch_size=recipe.batch_size, num_workers=workers, return_list=True)
    for iteration, (images, masks) in enumerate(batches, start):
        optimizer.set_lr(recipe.schedule.rate(iteration, recipe.iterations))
        loss = total_loss(network(images), masks, recipe.losses, ignore_index)
        losses.append(float(loss))
        if not np.isfinite(losses[-1]):
            raise TrainingError(
                "The loss is {loss} at iteration {iteration}, learning rate {rate:.3g}. A finite number was expected.",
                "Lower the learning rate and start again; the checkpoints in {output} are from before this step.",
                loss=losses[-1],
                iteration=iteration + 1,
                rate=optimizer.get_lr(),
                output=output,
            )
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        done = iteration + 1
        _update_average(average, network, _warmed(recipe.ema, done))
        if report is not None and done % report_every == 0:
            seconds = (time.perf_counter() - began) / (len(losses) * recipe.batch_size)
            report(Progress(done, float(np.mean(losses)), optimizer.get_lr(), seconds))
            losses, began = [], time.perf_counter()
        if done % checkpoint_every == 0 or done == recipe.iterations:
            checkpoint = Checkpoint(
                done, _arrays(network.state_dict()), dict(average), _moments(optimizer, network), facts
            )
            checkpoint.save(output)
    if checkpoint is None:
        raise TrainingError("The recipe has no iterations.", "Give a recipe of at least one iteration.")
    return checkpoint


def _optimizer(network: nn.Layer, recipe: Recipe) -> paddle.optimizer.Optimizer:
    settings = recipe.optimizer
    if isinstance(settings, SGD):
        return paddle.optimizer.Momentum(
            0.0, settings.momentum, parameters=network.parameters(), weight_decay=settings.weight_decay
        )
    return paddle.optimizer.AdamW(
        0.0, settings.beta1, settings.beta2, parameters=network.parameters(), weight_decay=settings.weight_decay
    )


def _warmed(decay: float, step: int) -> float:
    # A young average would remember the random initial weights for 1 / (1 - decay) steps.
    return min(decay, step / (step + 10)) if decay else 0.0


def _update_average(average: dict[str, NDArray[Any]], network: nn.Layer, decay: float) -> None:
    for name, value in network.state_dict().items():
        now = value.numpy()
        average[name] = now.copy() if decay == 0.0 else average[name] * np.float32(decay) + now * np.float32(1 - decay)


def _arrays(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: value.numpy() for name, value in state.items()}


def _moments(optimizer: paddle.optimizer.Optimizer, network: nn.Layer) -> dict[str, NDArray[Any]]:
    # paddle numbers parameter names through the whole process; ours are the state dict's, so that any process can
    # resume.
    names = [(value.name, name) for name, value in network.state_dict().items()]
    moments: dict[str, NDArray[Any]] = {}
    for key, value in optimizer.state_dict().items():
        prefix, name = next(pair for pair in names if key.startswith(f"{pair[0]}_"))
        moments[name + "|" + key[len(prefix) + 1 :]] = value.numpy()
    return moments


def _restore_moments(
    optimizer: paddle.optimizer.Optimizer, network: nn.Layer, moments: Mapping[str, NDArray[Any]]
) -> None:
    names = {name: value.name for name, value in network.state_dict().items()}
    state: dict[str, Any] = {}
    for key, value in moments.items():
        name, suffix = key.split("|")
        state[f"{names[name]}_{suffix}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _check_identity(resumed: Checkpoint, facts: Mapping[str, Any], output: Path) -> None:
    for key in sorted({*facts, *resumed.identity}):
        if resumed.identity.get(key) != facts.get(key):
            raise CheckpointError(
                "The checkpoint in {output} was made with {key} = {before!r}, this run has {now!r}.",
                "Give another output folder, or start with the settings of that run.",
                output=output,
                key=key,
                before=resumed.identity.get(key),
                now=facts.get(key),
            )

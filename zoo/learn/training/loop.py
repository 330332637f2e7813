"""The training loop: a recipe carried out on a list of samples, resumable at every checkpoint."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from zoo.base.files import user_path
from zoo.contract.recipe import Recipe
from zoo.contract.spec import Normalize, ValueRange
from zoo.errors import TrainingError
from zoo.learn.data import Sample
from zoo.learn.examples import Batch, Examples
from zoo.learn.examples.loader import batches_ahead
from zoo.learn.place import check_share
from zoo.learn.training.amp import mixed
from zoo.learn.training.checkpoint import RANGE, Checkpoint, check_identity, newest_checkpoint
from zoo.learn.training.losses import total_loss
from zoo.learn.training.optimizer import apply_gradients, build_optimizer, moments, restore_moments
from zoo.learn.training.passed_over import PassedOver
from zoo.learn.training.process_group import ALONE, ProcessGroup
from zoo.predict.values import given_value

_log = logging.getLogger("zoo.learn.training")
_HALVES = Normalize()
# A prime above the iterations of any run, so that two seeds share no number for long.
_STRIDE = 1_000_003
# Another one, for the batches of a step.
_APART = 15_485_863


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
    output: str | os.PathLike[str],
    *,
    normalize: Normalize = _HALVES,
    value_range: ValueRange = None,
    ignore_index: int = 255,
    seed: int = 0,
    checkpoint_every: int = 500,
    report_every: int = 50,
    report: Callable[[Progress], None] = lambda progress: None,
    workers: int = 1,
    identity: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] | None = None,
    checked: Callable[[Checkpoint], bool] | None = None,
    amp: bool = False,
    team: ProcessGroup = ALONE,
    skipped: Callable[[int, Sequence[Sample]], None] | None = None,
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
        value_range: Which values of more than 8 bits become black and white, as for `Model.predict`: (low, high),
            "auto" for those of each picture, None for all that the type can hold. Checkpoints state it; give it to
            `export_bundle` too.
        ignore_index: Mask value that does not count.
        seed: Seed of the order and of the augmentation.
        checkpoint_every: Iterations between checkpoints; the last iteration always gets one.
        report_every: Iterations between calls of `report`.
        report: Receives the progress.
        workers: Processes that prepare batches.
        identity: Facts of the run that a resumed run must share; recipe, seed and range are always among them.
        stop: Asked after every iteration; where it says so, a checkpoint is written and the run ends.
        checked: Called with every checkpoint that was written; where it returns True, the run ends.
        amp: Run the network in bfloat16, where the device computes in it (`zoo.learn.training.amp`).
        team: The processes of the run, this one among them; the first one writes and calls `checked`.
        skipped: Called with an iteration and the samples that were passed over in it, because they cannot be read or
            were changed; others take their places. Without it they end the run, with it more than a tenth of them do.

    Raises:
        ConfigError: The range is none; the losses do not fit the heads of the network or the classes; or the processes
            cannot share the batches of a step.
        DatasetError: A sample cannot be used, or more than a tenth of them where they are passed over.
        CheckpointError: The checkpoint in `output` belongs to another run.
        OutputError: A checkpoint cannot be written.
        TrainingError: A group of the recipe has no parameter; or the loss, a gradient or an array of a checkpoint is no
            longer finite. Checkpoints in `output` are from before: what is not finite is neither applied nor saved.
    """
    output = Path(user_path(output))
    value_range = given_value("value_range", value_range)
    own = {"recipe": _plain(dataclasses.asdict(recipe)), "seed": seed, RANGE: _plain(value_range)}
    facts = {**own, **(identity or {})}
    check_share(recipe.devices, team.size)
    optimizer = build_optimizer(network, recipe)
    average = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    start = 0
    resumed = newest_checkpoint(output)
    if resumed is not None:
        check_identity(resumed, facts, output)
        network.set_state_dict({name: paddle.to_tensor(value) for name, value in resumed.model.items()})
        restore_moments(optimizer, network, resumed.optimizer)
        average, start = dict(resumed.average), resumed.iteration
        _log.info("resuming %s at iteration %d", output, start)

    network.train()
    optimizer.clear_grad()  # of a run that was interrupted
    checkpoint = resumed
    losses: list[float] = []
    began = time.perf_counter()
    examples = Examples(samples, recipe, normalize, ignore_index, seed, start, value_range, skipped is not None)
    passed = PassedOver(examples, samples, recipe, team, value_range, skipped)
    made = batches_ahead(examples, team.rank, team.size, workers)
    try:
        for iteration in range(start, recipe.iterations):
            done, rate = iteration + 1, recipe.schedule.rate(iteration, recipe.iterations)
            # What is drawn inside the network, as by dropout, follows from the seed and the position too.
            numbers = range(team.rank, recipe.devices, team.size)
            draws = [seed * _STRIDE + iteration + number * _APART for number in numbers]
            own = passed.noting(itertools.islice(made, len(draws)))
            losses.append(team.share(network, _backward(network, own, draws, recipe, ignore_index, amp)))
            passed.look(iteration)
            bad = _not_finite(losses[-1], network)
            if bad is not None:
                raise _diverged(bad, done, rate, output, examples.samples(iteration))
            optimizer.set_lr(rate)
            apply_gradients(optimizer)
            _update_average(average, network, _warmed(recipe.ema, done))
            if done % report_every == 0:
                seconds = (time.perf_counter() - began) / (len(losses) * recipe.pictures_per_step)
                report(Progress(done, float(np.mean(losses)), rate, seconds))
                losses, began = [], time.perf_counter()
            ends = team.agree(stop is not None and stop()) or done == recipe.iterations
            if done % checkpoint_every == 0 or ends:
                now = _arrays(network.state_dict())
                kept = dict(average) if recipe.ema else now
                checkpoint = Checkpoint(done, now, kept, moments(optimizer, network), facts)
                bad = checkpoint.first_not_finite()
                if bad is not None:
                    raise _diverged(bad, done, rate, output, examples.samples(iteration))
                if team.rank == 0:
                    checkpoint.save(output)
                ends |= team.agree(checked is not None and checked(checkpoint))
            if ends:
                break
    finally:
        made.close()
    if checkpoint is None:
        raise TrainingError("The recipe has no iterations.", "Give a recipe of at least one iteration.")
    return checkpoint


def _backward(
    network: nn.Layer,
    made: Iterable[Batch],
    draws: Sequence[int],
    recipe: Recipe,
    ignore_index: int,
    amp: bool,
) -> float:
    """Leaves the mean gradients of some batches with the parameters. Returns the mean loss.

    Args:
        network: The network.
        made: Pictures and masks.
        draws: A seed for each batch, of what is drawn inside the network.
        recipe: The losses.
        ignore_index: Mask value that does not count.
        amp: As of `train`.
    """
    found: list[float] = []
    for (images, masks, _), draw in zip(made, draws, strict=True):
        paddle.seed(draw % 2**31)
        with mixed(amp):
            logits = network(paddle.to_tensor(images))
        truth = paddle.to_tensor(masks.astype(np.int64))
        loss = total_loss([head.astype("float32") for head in logits], truth, recipe.heads, ignore_index)
        found.append(float(loss))
        (loss / len(draws)).backward()
    return sum(found) / len(found)


def _not_finite(loss: float, network: nn.Layer) -> str | None:
    # The loss alone does not tell: paddle's relu turns NaN into 0. One flag a tensor and one transfer for all of them
    # cost 0.2 to 0.5 % of a step.
    if not np.isfinite(loss):
        return "loss"
    named = [(name, value.grad) for name, value in network.named_parameters() if value.grad is not None]
    finite = paddle.stack([paddle.isfinite(gradient).all() for _, gradient in named]).numpy()
    return None if finite.all() else f"gradient:{named[int(finite.argmin())][0]}"


def _diverged(name: str, iteration: int, rate: float, output: Path, batch: Sequence[Sample]) -> TrainingError:
    return TrainingError(
        "The run has diverged: {name!r} is not finite at iteration {iteration}, learning rate {rate:.3g}, on "
        "{batch:, }.",
        "Start again in another folder with a lower learning rate or a longer warm-up; the checkpoints in "
        "{output} are from before and stay as they are.",
        name=name,
        iteration=iteration,
        rate=rate,
        output=output,
        batch=[sample.image for sample in batch],
    )


def _warmed(decay: float, step: int) -> float:
    # A young average would remember the random initial weights for 1 / (1 - decay) steps.
    return min(decay, step / (step + 10)) if decay else 0.0


def _update_average(average: dict[str, NDArray[Any]], network: nn.Layer, decay: float) -> None:
    # Without one a checkpoint has the weights in its place.
    for name, value in network.state_dict().items() if decay else ():
        average[name] = average[name] * np.float32(decay) + value.numpy() * np.float32(1 - decay)


def _arrays(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: value.numpy() for name, value in state.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value

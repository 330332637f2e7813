"""The optimizer of a run: groups of parameters, and moments under the names of the state dict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import paddle
from numpy.typing import NDArray
from paddle import Tensor, nn

from zoo.contract.recipe import SGD, ParameterGroup, Recipe
from zoo.errors import TrainingError


def build_optimizer(network: nn.Layer, recipe: Recipe) -> paddle.optimizer.Optimizer:
    """Builds the optimizer of a recipe, at a learning rate of 0.

    With groups, a rate or a regularizer that a network gives its parameters by `paddle.ParamAttr` does not count.

    Raises:
        TrainingError: A group of the recipe has no parameter.
    """
    settings = recipe.optimizer
    parameters: Any = _paddle_groups(network, recipe.groups) if recipe.groups else network.parameters()
    clip = None if recipe.clip is None else nn.ClipGradByGlobalNorm(recipe.clip)
    if isinstance(settings, SGD):
        return paddle.optimizer.Momentum(
            0.0, settings.momentum, parameters=parameters, weight_decay=settings.weight_decay, grad_clip=clip
        )
    return paddle.optimizer.AdamW(
        0.0, settings.beta1, settings.beta2, parameters=parameters, weight_decay=settings.weight_decay, grad_clip=clip
    )


def assign_groups(network: nn.Layer, groups: Sequence[ParameterGroup]) -> list[list[Tensor]]:
    """Returns the parameters of each group, and in one more list those of none. The first group that matches counts.

    Raises:
        TrainingError: A group has no parameter, and not because all of its own are left as they are.
    """
    frozen: set[int] = set()
    members: list[list[Tensor]] = [[] for _ in (*groups, None)]
    for name, value in network.named_parameters():
        matching = [index for index, group in enumerate(groups) if re.search(group.pattern, name)]
        members[next(iter(matching), -1)].append(value)
        if matching and not groups[matching[0]].learning_rate_factor:
            frozen.update(matching)
    for index, group in enumerate(groups):
        if not members[index] and index not in frozen:
            raise TrainingError(
                "No parameter belongs to the group {pattern!r} of the recipe; at least one name of the network was "
                "expected to match, beside those of earlier groups. Its names begin with {beginnings:, }.",
                "Correct the pattern, or leave the group out. All names: network.named_parameters()",
                pattern=group.pattern,
                beginnings=sorted({name.partition(".")[0] for name, _ in network.named_parameters()}),
            )
    return members


def check_groups(network: nn.Layer, groups: Sequence[ParameterGroup]) -> None:
    """Makes sure that each group has parameters, and that some are trained.

    Raises:
        TrainingError: As `assign_groups`; or all parameters are left as they are.
    """
    *members, rest = assign_groups(network, groups)
    if rest or any(own and group.learning_rate_factor for group, own in zip(groups, members, strict=True)):
        return
    raise TrainingError(
        "All parameters are left as they are (train.freeze, or groups with lr_factor 0), so nothing would be learned.",
        "Freeze fewer parameters, or leave train.freeze out.",
    )


def _paddle_groups(network: nn.Layer, groups: Sequence[ParameterGroup]) -> list[dict[str, Any]]:
    *members, rest = assign_groups(network, groups)
    described: list[dict[str, Any]] = [{"params": rest}] if rest else []
    for group, own in zip(groups, members, strict=True):
        if not own:
            continue
        decay = {} if group.weight_decay is None else {"weight_decay": float(group.weight_decay)}
        described.append({"params": own, "learning_rate": group.learning_rate_factor, **decay})
    return described


def apply_gradients(optimizer: paddle.optimizer.Optimizer) -> None:
    """Applies the gradients and clears them."""
    # paddle numbers the moments of a parameter through the whole process, so those of a network that is trained twice
    # would get other names than the checkpoint's; they are made in the first step.
    with paddle.utils.unique_name.guard():
        optimizer.step()
    optimizer.clear_grad()


def moments(optimizer: paddle.optimizer.Optimizer, network: nn.Layer) -> dict[str, NDArray[Any]]:
    """Returns copies of the moments of an optimizer, such as "head.weight|velocity_0"."""
    # paddle numbers parameter names through the whole process; ours are the state dict's, so that any process can
    # resume.
    names = [(value.name, name) for name, value in network.state_dict().items()]
    found: dict[str, NDArray[Any]] = {}
    for key, value in optimizer.state_dict().items():
        prefix, name = next(pair for pair in names if key.startswith(f"{pair[0]}_"))
        found[name + "|" + key[len(prefix) + 1 :]] = value.numpy()
    return found


def restore_moments(
    optimizer: paddle.optimizer.Optimizer, network: nn.Layer, saved: Mapping[str, NDArray[Any]]
) -> None:
    """Gives an optimizer that has not made a step yet what `moments` returned."""
    names = {name: value.name for name, value in network.state_dict().items()}
    state: dict[str, Any] = {}
    for key, value in saved.items():
        name, suffix = key.split("|")
        state[f"{names[name]}_{suffix}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)

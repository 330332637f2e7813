"""The settings of a run: what a file and `--set` may say, and the recipe that follows from them.

A configuration is plain data in the form of the YAML file that every run keeps. It is checked by one schema wherever
its values come from, and nothing of it is guessed later: what a run does follows from it and the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from zoo.contract.recipe import (
    SGD,
    AdamW,
    Augmentation,
    ParameterGroup,
    PolynomialDecay,
    Recipe,
)
from zoo.errors import ConfigError
from zoo.learn.run.heads import LOSSES, losses_of, losses_said
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, node_of
from zoo.settings.rules import BOOLEAN, SHA256, STRING, VALUE_RANGE, array, mapping, number, optional, whole
from zoo.settings.yaml_text import yaml_value

#: Plain data of a whole configuration.
Configuration = dict[str, Any]

CONFIGURATION = DocumentKind(
    error=ConfigError,
    noun=Message("a configuration of a run"),
    hint=Message("docs/training.md has every key with its values."),
    edited=True,
    exponents=True,
)
#: What `--set` gives.
SET = CONFIGURATION._replace(name="--set")


def _above(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "exclusiveMinimum": low, "maximum": high}


_SHARE = number(0, 1)
_RATE = _above(0, 1e6)
_SIDE = whole(1, 65536)
_STEPS = whole(0, 10**9)
_AUGMENT = {
    "scale": array(_above(0, 64), 2, 2),
    "scale_step": number(0, 64),
    "hue": number(0, 180),
    **{f"{name}{end}": _SHARE for name in ("brightness", "contrast", "saturation") for end in ("", "_probability")},
    "hue_probability": _SHARE,
    "flip": _SHARE,
}
_TRAIN = {
    "iterations": whole(1, 10**9),
    "batch_size": {"anyOf": [whole(1, 4096), {"const": "auto"}]},
    "accumulate": whole(1, 4096),
    "crop": array(_SIDE, 2, 2),
    "optimizer": {"enum": ["sgd", "adamw"]},
    "momentum": number(0, 0.9999),
    "beta1": number(0, 0.9999),
    "beta2": number(0, 0.999999),
    "weight_decay": number(0, 10),
    "lr": _RATE,
    "power": number(0, 100),
    "lr_end": number(0, 1e6),
    "warmup": _STEPS,
    "warmup_lr": number(0, 1e6),
    "ema": number(0, 0.999999),
    "clip": optional(_above(0, 1e9)),
    "groups": array(
        mapping(
            {"pattern": STRING},
            {"lr_factor": number(0, 1e6), "weight_decay": optional(number(0, 10))},
            closed=True,
        )
    ),
    "freeze": array(STRING),
    "seed": whole(0, 2**31 - 1),
    "workers": whole(0, 256),
    "evaluate_every": whole(1, 10**9),
    "patience": optional(whole(1, 10**6)),
    "keep": whole(1, 10**6),
}
#: Runs that began before there were these have none.
_LATER = {
    "hours": optional(_above(0, 1e6)),
    "tensorboard": BOOLEAN,
    "amp": BOOLEAN,
    "on_error": {"enum": ["stop", "skip"]},
}
SCHEMA = mapping(
    {
        "model": STRING,
        "data": STRING,
        "pretrained": optional(STRING),
        "value_range": VALUE_RANGE,
        "train": mapping(_TRAIN, _LATER, closed=True),
        "losses": LOSSES,
        "augment": mapping(_AUGMENT, closed=True),
    },
    # What zoo itself writes down of the weights it began with.
    {"pretrained_sha256": SHA256},
    closed=True,
)
#: A file of settings may leave everything out.
_PARTIAL = mapping(
    {},
    {
        "model": STRING,
        "data": STRING,
        "pretrained": optional(STRING),
        "pretrained_sha256": SHA256,
        "value_range": VALUE_RANGE,
        "train": mapping({}, _TRAIN | _LATER, closed=True),
        "losses": LOSSES,
        "augment": mapping({}, _AUGMENT, closed=True),
    },
    closed=True,
)


def checked(root: Node) -> Configuration:
    """Returns a whole configuration.

    Raises:
        ConfigError: A key is missing, does not exist or has a value that is not possible.
    """
    return conform(root, SCHEMA)


def skips(configuration: Configuration) -> bool:
    """Says whether a run passes over pictures that cannot be used."""
    return configuration["train"].get("on_error") == "skip"


def overridden(base: Configuration, file: Node | None, given: Sequence[str]) -> Configuration:
    """Returns a configuration with what a file and `--set` say in its place.

    Args:
        base: A whole configuration.
        file: Content of a file with some of its keys.
        given: Words KEY=VALUE, the key as a path such as "train.lr", the value as YAML.

    Raises:
        ConfigError: A word has another form; or a key does not exist or has a value that is not possible.
    """
    return checked(node_of(_merged(base, overrides(file, given)), CONFIGURATION))


def overrides(file: Node | None, given: Sequence[str]) -> Configuration:
    """Returns what a file and `--set` say, which may be little of a configuration; as of `overridden`."""
    merged: Configuration = {} if file is None else conform(file, _PARTIAL)
    for word in given:
        merged = _merged(merged, conform(_node(word), _PARTIAL))
    return merged


def _merged(base: Any, new: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(new, Mapping):
        return {**base, **{key: _merged(base.get(key), value) for key, value in new.items()}}
    return new


def _node(word: str) -> Node:
    """Returns KEY=VALUE as a document with one value."""
    key, equals, text = word.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise ConfigError(
            "--set {word!r} has another form. KEY=VALUE was expected, such as train.lr=0.01.",
            "docs/training.md has every key with its values.",
            word=word,
        )
    value = yaml_value(text, SET)
    for name in reversed(names):
        value = {name: value}
    return node_of(value, SET)


def configuration_of(recipe: Recipe) -> Configuration:
    """Returns the parts of a configuration that a recipe says: `train`, `losses` and `augment`."""
    optimizer, schedule = recipe.optimizer, recipe.schedule
    adam = isinstance(optimizer, AdamW)
    return {
        "train": {
            "iterations": recipe.iterations,
            "batch_size": recipe.batch_size,
            "accumulate": recipe.devices,
            "crop": list(recipe.crop),
            "optimizer": "adamw" if adam else "sgd",
            "momentum": 0.9 if adam else optimizer.momentum,
            "beta1": optimizer.beta1 if adam else 0.9,
            "beta2": optimizer.beta2 if adam else 0.999,
            "weight_decay": optimizer.weight_decay,
            "lr": schedule.learning_rate,
            "power": schedule.power,
            "lr_end": schedule.end,
            "warmup": schedule.warmup_iterations,
            "warmup_lr": schedule.warmup_start,
            "ema": recipe.ema,
            "groups": [
                {
                    "pattern": group.pattern,
                    "lr_factor": group.learning_rate_factor,
                    "weight_decay": group.weight_decay,
                }
                for group in recipe.groups
            ],
        },
        "losses": losses_said(recipe.losses),
        "augment": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(recipe.augmentation).items()
        },
    }


def recipe_of(configuration: Configuration, class_weights: tuple[float, ...] = ()) -> Recipe:
    """Returns the recipe that a configuration asks for.

    Args:
        configuration: A whole configuration.
        class_weights: What `class_weights: auto` stands for.

    Raises:
        ConfigError: Values do not go together.
    """
    train = configuration["train"]
    augment: dict[str, Any] = {**configuration["augment"], "scale": tuple(configuration["augment"]["scale"])}
    losses = losses_of(configuration["losses"], class_weights)
    try:
        frozen = tuple(ParameterGroup(pattern, 0.0, 0.0) for pattern in train["freeze"])
        groups = tuple(
            ParameterGroup(each["pattern"], each.get("lr_factor", 1.0), each.get("weight_decay"))
            for each in train["groups"]
        )
        return Recipe(
            iterations=train["iterations"],
            batch_size=train["batch_size"],
            devices=train["accumulate"],
            crop=(train["crop"][0], train["crop"][1]),
            optimizer=AdamW(train["beta1"], train["beta2"], train["weight_decay"])
            if train["optimizer"] == "adamw"
            else SGD(train["momentum"], train["weight_decay"]),
            schedule=PolynomialDecay(train["lr"], train["power"], train["lr_end"], train["warmup"], train["warmup_lr"]),
            losses=losses,
            augmentation=Augmentation(**augment),
            ema=train["ema"],
            groups=(*frozen, *groups),
            clip=train["clip"],
        )
    except ValueError as error:
        raise ConfigError("The settings do not go together: {reason}.", CONFIGURATION.hint, reason=error) from error

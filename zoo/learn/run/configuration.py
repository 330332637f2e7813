"""The settings of a run: what a file and `--set` may say, and the recipe that follows from them.

A configuration is plain data in the form of the YAML file that every run keeps. It is checked by one schema wherever
its values come from, and nothing of it is guessed later: what a run does follows from it and the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from zoo.contract.recipe import (
    SGD,
    AdamW,
    Augmentation,
    CrossEntropy,
    Dice,
    Loss,
    Lovasz,
    OhemCrossEntropy,
    ParameterGroup,
    PolynomialDecay,
    Recipe,
)
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, node_of
from zoo.settings.rules import STRING, VALUE_RANGE, array, mapping, optional, whole
from zoo.settings.yaml_text import yaml_value

#: Plain data of a whole configuration.
Configuration = dict[str, Any]

CONFIGURATION = DocumentKind(
    error=ConfigError,
    noun=Message("a configuration of a run"),
    hint=Message("docs/training.md has every key with its values."),
    edited=True,
)
#: What `--set` gives.
SET = CONFIGURATION._replace(name="--set")


def _number(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high}


def _above(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "exclusiveMinimum": low, "maximum": high}


_SHARE = _number(0, 1)
_RATE = _above(0, 1e6)
_SIDE = whole(1, 65536)
_STEPS = whole(0, 10**9)
#: Kinds of losses as a configuration calls them.
_KINDS: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "ohem": OhemCrossEntropy,
    "dice": Dice,
    "lovasz": Lovasz,
}
_LOSS = mapping(
    {"kind": {"enum": list(_KINDS)}},
    {
        "weight": _number(0, 1e6),
        "class_weights": {"anyOf": [{"const": "auto"}, array(_number(0, 1e6))]},
        "stride": {"enum": [0, 1]},
        "threshold": _SHARE,
        "min_kept": whole(1, 2**31 - 1),
        "smooth": _number(0, 1e6),
    },
    closed=True,
)
#: One a head, or several of each.
_HEADS = array({"anyOf": [_LOSS, array(_LOSS, 1)]}, 1)
_AUGMENT = {
    "scale": array(_above(0, 64), 2, 2),
    "scale_step": _number(0, 64),
    "hue": _number(0, 180),
    **{f"{name}{end}": _SHARE for name in ("brightness", "contrast", "saturation") for end in ("", "_probability")},
    "hue_probability": _SHARE,
    "flip": _SHARE,
}
_TRAIN = {
    "iterations": whole(1, 10**9),
    "batch_size": whole(1, 4096),
    "accumulate": whole(1, 4096),
    "crop": array(_SIDE, 2, 2),
    "optimizer": {"enum": ["sgd", "adamw"]},
    "momentum": _number(0, 0.9999),
    "beta1": _number(0, 0.9999),
    "beta2": _number(0, 0.999999),
    "weight_decay": _number(0, 10),
    "lr": _RATE,
    "power": _number(0, 100),
    "lr_end": _number(0, 1e6),
    "warmup": _STEPS,
    "warmup_lr": _number(0, 1e6),
    "ema": _number(0, 0.999999),
    "clip": optional(_above(0, 1e9)),
    "groups": array(
        mapping(
            {"pattern": STRING},
            {"lr_factor": _number(0, 1e6), "weight_decay": optional(_number(0, 10))},
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
_LATER = {"hours": optional(_above(0, 1e6))}
SCHEMA = mapping(
    {
        "model": STRING,
        "data": STRING,
        "pretrained": optional(STRING),
        "value_range": VALUE_RANGE,
        "train": mapping(_TRAIN, _LATER, closed=True),
        "losses": _HEADS,
        "augment": mapping(_AUGMENT, closed=True),
    },
    closed=True,
)
#: A file of settings may leave everything out.
_PARTIAL = mapping(
    {},
    {
        "model": STRING,
        "data": STRING,
        "pretrained": optional(STRING),
        "value_range": VALUE_RANGE,
        "train": mapping({}, _TRAIN | _LATER, closed=True),
        "losses": _HEADS,
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


def overridden(base: Configuration, file: Node | None, given: Sequence[str]) -> Configuration:
    """Returns a configuration with what a file and `--set` say in its place.

    Args:
        base: A whole configuration.
        file: Content of a file with some of its keys.
        given: Words KEY=VALUE, the key as a path such as "train.lr", the value as YAML.

    Raises:
        ConfigError: A word has another form; or a key does not exist or has a value that is not possible.
    """
    merged = base if file is None else _merged(base, conform(file, _PARTIAL))
    for word in given:
        merged = _merged(merged, conform(_node(word), _PARTIAL))
    return checked(node_of(merged, CONFIGURATION))


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
        "losses": [
            [_said(loss) for loss in each] if isinstance(each, tuple) else _said(each) for each in recipe.losses
        ],
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
    frozen = tuple(ParameterGroup(pattern, 0.0, 0.0) for pattern in train["freeze"])
    groups = tuple(ParameterGroup(each["pattern"], each["lr_factor"], each["weight_decay"]) for each in train["groups"])
    try:
        return Recipe(
            iterations=train["iterations"],
            batch_size=train["batch_size"],
            devices=train["accumulate"],
            crop=(train["crop"][0], train["crop"][1]),
            optimizer=AdamW(train["beta1"], train["beta2"], train["weight_decay"])
            if train["optimizer"] == "adamw"
            else SGD(train["momentum"], train["weight_decay"]),
            schedule=PolynomialDecay(train["lr"], train["power"], train["lr_end"], train["warmup"], train["warmup_lr"]),
            losses=tuple(_head(each, class_weights) for each in configuration["losses"]),
            augmentation=Augmentation(**augment),
            ema=train["ema"],
            groups=(*frozen, *groups),
            clip=train["clip"],
        )
    except ValueError as error:
        raise ConfigError("The settings do not go together: {reason}.", CONFIGURATION.hint, reason=error) from error


def _head(given: Mapping[str, Any] | Sequence[Mapping[str, Any]], class_weights: tuple[float, ...]) -> Any:
    if isinstance(given, Mapping):
        return _loss(given, class_weights)
    return tuple(_loss(each, class_weights) for each in given)


def _loss(given: Mapping[str, Any], class_weights: tuple[float, ...]) -> Loss:
    values = {key: value for key, value in given.items() if key != "kind"}
    kind = _KINDS[given["kind"]]
    known = {field.name for field in fields(kind)}
    if wrong := sorted(values.keys() - known):
        raise ConfigError(
            "The loss {kind} has no {wrong:, }. Its keys: {known:, }.",
            "Leave it out, or take another kind of loss.",
            kind=given["kind"],
            wrong=wrong,
            known=sorted(known),
        )
    if "class_weights" in values:
        weights = values["class_weights"]
        values["class_weights"] = class_weights if weights == "auto" else tuple(weights)
    return kind(**values)


def _said(loss: Loss) -> dict[str, Any]:
    """Returns what a configuration says of a loss."""
    kind = next(name for name, of_kind in _KINDS.items() if isinstance(loss, of_kind))
    return {"kind": kind, **{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(loss).items()}}

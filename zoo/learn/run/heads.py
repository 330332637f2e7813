"""The losses of a network's heads as a configuration says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from zoo.contract.recipe import CrossEntropy, Dice, Loss, Lovasz, OhemCrossEntropy
from zoo.errors import ConfigError
from zoo.settings.rules import array, mapping, number, whole

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
        "weight": number(0, 1e6),
        "class_weights": {"anyOf": [{"const": "auto"}, array(number(0, 1e6))]},
        "stride": {"enum": [0, 1]},
        "threshold": number(0, 1),
        "min_kept": whole(1, 2**31 - 1),
        "smooth": number(0, 1e6),
    },
    closed=True,
)
#: The rule: one a head, or several of each.
LOSSES = array({"anyOf": [_LOSS, array(_LOSS, 1)]}, 1)
_Heads = tuple[Loss | tuple[Loss, ...], ...]


def losses_of(said: Sequence[Any], class_weights: tuple[float, ...]) -> _Heads:
    """Returns the losses that a configuration asks for.

    Args:
        said: What follows `LOSSES`.
        class_weights: What `class_weights: auto` stands for.

    Raises:
        ConfigError: A loss has a key of another kind of loss, or nothing has a weight.
    """
    heads: _Heads = tuple(
        _loss(of_head, class_weights)
        if isinstance(of_head, Mapping)
        else tuple(_loss(each, class_weights) for each in of_head)
        for of_head in said
    )
    if not any(loss.weight for of_head in heads for loss in (of_head if isinstance(of_head, tuple) else (of_head,))):
        raise ConfigError(
            "All losses have the weight 0, so nothing would be learned. One above 0 was expected.",
            "Give the main head one: --set losses=[{example}]",
            example="{kind: cross_entropy, weight: 1}",
        )
    return heads


def losses_said(losses: _Heads) -> list[Any]:
    """Returns what a configuration says of losses."""
    return [[_said(loss) for loss in of_head] if isinstance(of_head, tuple) else _said(of_head) for of_head in losses]


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
        if weights != "auto" and weights and not any(weights):
            raise ConfigError(
                "The class_weights of the loss {kind} are all 0, so no pixel would count. One above 0 was expected.",
                "Give one a class in the order of labels.txt, `auto`, or [] for equal ones.",
                kind=given["kind"],
            )
        values["class_weights"] = class_weights if weights == "auto" else tuple(weights)
    return kind(**values)


def _said(loss: Loss) -> dict[str, Any]:
    kind = next(name for name, of_kind in _KINDS.items() if isinstance(loss, of_kind))
    return {"kind": kind, **{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(loss).items()}}

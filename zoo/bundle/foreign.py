"""Export folders that PaddleX and PaddleSeg wrote: a section `Deploy:` in `inference.yml` or `deploy.yaml`.

Facts from paddlex 3.7.2 (its semantic segmentation predictor) and from PaddleSeg's export and transforms. Both keep the
same section but fill gaps differently: PaddleX, known by its section `Global:`, keeps the ratio and rounds sides up to
multiples of 32 where PaddleSeg does neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from zoo.bundle.steps import PIXELS, SIDES, usable
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.spec import Normalize, Resize, Step
from zoo.message import Message
from zoo.settings.check import conform, mismatch
from zoo.settings.document import Node
from zoo.settings.rules import BOOLEAN, NULL, NUMBER, TEXT, array, mapping, optional, whole

# What PaddleSeg's `output_op` appends to the network; without it ("none") the network's own output stays as it is.
_OUTPUTS: dict[str, Literal["labels", "scores", "unstated"]] = {
    "argmax": "labels",
    "softmax": "scores",
    "none": "unstated",
}
_LARGEST_SIDE = 65536

_TARGET = {**SIDES, "title": "[width, height]"}
_CHANNELS = optional(NUMBER, array(NUMBER, 3, 3, title=Message("three of them")))


def file_name_rule(*suffixes: str) -> dict[str, Any]:
    """Returns the rule for a file name: a settings file must not point out of its own folder.

    Args:
        suffixes: Those it may have; any where there are none.
    """
    title = (
        Message("the name of a file of this folder with the suffix {suffixes: or }", suffixes=list(suffixes))
        if suffixes
        else Message("the name of a file of this folder")
    )
    ending = "|".join(map(re.escape, suffixes))
    return {"title": title, "type": "string", "pattern": rf"^(?!\.{{0,2}}\Z)[^/\\\x00]*({ending})\Z"}


def _transform(**arguments: dict[str, Any]) -> dict[str, Any]:
    must = {name: rule for name, rule in arguments.items() if NULL not in rule.get("anyOf", [])}
    return mapping({"type": TEXT, **must}, arguments, closed=True)


#: Transforms by type.
TRANSFORMS: dict[str, dict[str, Any]] = {
    "Normalize": _transform(mean=_CHANNELS, std=_CHANNELS),
    "Resize": _transform(
        target_size=optional(PIXELS, _TARGET),
        keep_ratio=optional(BOOLEAN),
        size_divisor=optional(whole(1, 4096)),
        interp=optional({"const": "LINEAR"}),
    ),
    "ResizeByLong": _transform(long_size=PIXELS),
    "ResizeByShort": _transform(short_size=PIXELS),
}
_DEPLOY = mapping(
    {"transforms": array(mapping({"type": {"enum": list(TRANSFORMS)}}))},
    {
        "output_op": optional({"enum": list(_OUTPUTS)}),
        "model": optional(file_name_rule(".pdmodel", ".json")),
        "params": optional(file_name_rule(".pdiparams")),
    },
)
#: What is read of the settings; other systems have other keys beside these.
SETTINGS = mapping({"Deploy": _DEPLOY}, {"Global": optional(mapping({}, {"model_name": optional(TEXT)}))})


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the settings of PaddleX and PaddleSeg say.

    Attributes:
        model: Name of the model, or None where it is not given.
        steps: Preprocessing, Normalize last.
        output: "labels", "scores", or "unstated" where only the program itself shows what it returns.
        program: File name of the program, or None where it is not given.
        params: File name of the parameters, or None where it is not given.
    """

    model: str | None
    steps: tuple[Step, ...]
    output: Literal["labels", "scores", "unstated"]
    program: str | None
    params: str | None


def read_deploy(settings: Node) -> Deployed:
    """Reads the settings of a PaddleX or PaddleSeg folder.

    Normalize may stand before a resizing step. PaddleX always normalizes last; PaddleSeg keeps the order, but linear
    interpolation and a normalization of each channel give the same in both orders.

    Raises:
        BundleError: A step or an argument is unknown, a value is impossible, or Normalize is not there exactly once.
    """
    values = conform(settings, SETTINGS)
    deploy, header = values["Deploy"], values.get("Global")
    resizing: list[Step] = []
    normalizing: list[Step] = []
    transforms = settings["Deploy"]["transforms"]
    for _, entry in transforms.members():
        if entry.value["type"] == "Normalize":
            normalizing.append(_normalize(entry))
        else:
            resizing += _resize(entry, by_paddlex=header is not None)
    if len(normalizing) != 1:
        raise mismatch(transforms, Message("a list with one Normalize step"))
    operator = deploy.get("output_op")
    return Deployed(
        model=None if header is None else header.get("model_name"),
        steps=(*resizing, *normalizing),
        output="unstated" if operator is None else _OUTPUTS[operator],
        program=deploy.get("model"),
        params=deploy.get("params"),
    )


@cache
def unnamed_labels() -> LabelSet:
    """Returns labels for a folder that does not name its classes: "class 0", "class 1" and so on."""
    return LabelSet("unnamed", tuple(f"class {value}" for value in range(256)), distinct_palette(256), 65535)


def _normalize(entry: Node) -> Normalize:
    values = conform(entry, TRANSFORMS["Normalize"])
    mean, std = _channels(values.get("mean")), _channels(values.get("std"))
    if not usable(std):
        raise mismatch(entry["std"], Message("numbers other than 0, from 1e-6 to 1e6"))
    if not usable(mean, least=0):
        raise mismatch(entry["mean"], Message("numbers up to 1e6"))
    return Normalize(mean, std)


def _channels(value: Any) -> tuple[float, ...]:
    if isinstance(value, list):
        return tuple(map(float, value))
    return (0.5 if value is None else float(value),) * 3


def _resize(entry: Node, by_paddlex: bool) -> list[Step]:
    """Returns the step, or none where PaddleX is told to keep the size of the picture."""
    kind = entry.value["type"]
    rule = TRANSFORMS[kind]
    if by_paddlex and kind == "Resize" and entry.value.get("target_size") in (-1, [-1, -1]):
        entry = replace(entry, value={**entry.value, "target_size": None})
    values = conform(entry, rule)
    # OpenCV's linear interpolation, without averaging over the pixels that fall together.
    if kind == "ResizeByLong":
        return [Resize((values["long_size"],) * 2, keep_ratio=True, antialias=False)]
    if kind == "ResizeByShort":
        return [Resize((values["short_size"], _LARGEST_SIDE), keep_ratio=True, antialias=False)]
    target = values.get("target_size")
    if by_paddlex and target is None:
        return []
    # Written down without a value it means "none" in both systems.
    multiple = values.get("size_divisor", 32 if by_paddlex else 1) or 1
    keeps = values.get("keep_ratio")
    return [Resize(_sides(target), by_paddlex if keeps is None else keeps, multiple, antialias=False)]


def _sides(target: Any) -> tuple[int, int]:
    """Returns (height, width) of `target_size`, which is [width, height] or one side of a square."""
    if isinstance(target, list):
        return (target[1], target[0])
    return (512, 512) if target is None else (target, target)

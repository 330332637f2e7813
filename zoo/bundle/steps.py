"""Preprocessing steps as plain data in a settings file."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong, ResizeShort, Step
from zoo.message import Message
from zoo.settings.check import conform, mismatch
from zoo.settings.document import Node
from zoo.settings.rules import BOOLEAN, NUMBER, array, mapping, whole

_STEPS: dict[str, type[Any]] = {cls.__name__: cls for cls in (Resize, ResizeShort, ResizeLong, Pad, Normalize)}
_NUMBERS = array(NUMBER, 1)
_MULTIPLE = whole(1, 4096)

#: One side of a picture, and both.
PIXELS = whole(1, 65536)
SIDES = array(PIXELS, 2, 2, title="[height, width]")
#: A step: its name with its arguments.
STEP = mapping(
    {},
    {
        "Resize": mapping(
            {"size": SIDES}, {"keep_ratio": BOOLEAN, "multiple": _MULTIPLE, "antialias": BOOLEAN}, closed=True
        ),
        "ResizeShort": mapping({"size": PIXELS}, closed=True),
        "ResizeLong": mapping({"size": PIXELS}, closed=True),
        "Pad": mapping({"multiple": _MULTIPLE}, {"value": NUMBER}, closed=True),
        "Normalize": mapping({}, {"mean": _NUMBERS, "std": _NUMBERS}, closed=True),
    },
    closed=True,
    minProperties=1,
    maxProperties=1,
    title=Message("one of {steps:, } with its arguments", steps=list(_STEPS)),
)


def write_step(step: Step) -> dict[str, Any]:
    """Returns a step as `{name: arguments}`, plain data."""
    return {type(step).__name__: _plain(dataclasses.asdict(step))}


def read_step(entry: Node) -> Step:
    """Reads a step, a mapping of its name to its arguments.

    Raises:
        ZooError: It is unknown, or an argument is missing, unknown or out of bounds; of the class of the document.
    """
    [(name, arguments)] = conform(entry, STEP).items()
    step = _STEPS[name](**{key: _tupled(value) for key, value in arguments.items()})
    if isinstance(step, Normalize) and (len(step.mean) != len(step.std) or 0 in step.std):
        raise mismatch(entry[name], Message("as many means as standard deviations, none of them 0"))
    return step


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value

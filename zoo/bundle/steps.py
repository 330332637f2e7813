"""Preprocessing steps as plain data in a settings file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, cast

from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong, ResizeShort, Step, ValueRange
from zoo.message import Message
from zoo.settings.check import conform, mismatch
from zoo.settings.document import Node
from zoo.settings.rules import BOOLEAN, NUMBER, VALUE_RANGE, array, mapping, whole

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
        "Pad": mapping(
            {"multiple": _MULTIPLE}, {"value": {"type": "number", "minimum": 0, "maximum": 255}}, closed=True
        ),
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
    if isinstance(step, Normalize) and not (
        len(step.mean) == len(step.std) == 3 and usable(step.mean, least=0) and usable(step.std)
    ):
        raise mismatch(
            entry[name], Message("three means and three standard deviations, none of them 0 or beyond 1e-6 to 1e6")
        )
    return step


def read_steps(entry: Node) -> tuple[Step, ...]:
    """Reads the steps of a preprocessing.

    Raises:
        ZooError: As of `read_step`, or Normalize is not the last step and no other.
    """
    steps = tuple(read_step(step) for _, step in entry.members())
    if [isinstance(step, Normalize) for step in steps] != [False] * (len(steps) - 1) + [True]:
        raise mismatch(entry, Message("a list of steps whose last one, and no other, is Normalize"))
    return steps


def read_range(entry: Node) -> ValueRange:
    """Reads which values of more than 8 bits become black and white.

    Raises:
        ZooError: It is no range, or does not ascend; of the class of the document.
    """
    value = conform(entry, VALUE_RANGE)
    if not isinstance(value, list):
        return value
    black, white = map(float, cast("list[float]", value))
    if black >= white:
        raise mismatch(entry, Message("the value of black and then a higher one, of white"))
    return (black, white)


def usable(numbers: Iterable[float], least: float = 1e-6) -> bool:
    """Whether numbers of a normalization keep single precision: larger or smaller ones turn every picture alike."""
    return all(least <= abs(number) <= 1e6 for number in numbers)


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value

"""Preprocessing steps as plain data in a settings file."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.contract.spec import (
    Custom,
    Normalize,
    Pad,
    Resize,
    ResizeLong,
    ResizeShort,
    Step,
)
from zoo.message import Message
from zoo.settings.reader import Reader

_STEPS: dict[str, type[Any]] = {cls.__name__: cls for cls in (Resize, ResizeShort, ResizeLong, Pad, Normalize, Custom)}


def write_step(step: Step) -> dict[str, Any]:
    """Returns a step as `{name: arguments}`, plain data."""
    return {type(step).__name__: _plain(dataclasses.asdict(step))}


def read_step(entry: Reader) -> Step:
    """Reads a step, a mapping of its name to its arguments.

    Raises:
        BundleError: It is unknown, or an argument is missing, unknown or out of bounds.
    """
    keys = entry.names()
    if len(keys) != 1 or keys[0] not in _STEPS:
        raise entry.fault(Message("One of {steps:, } with its arguments", steps=list(_STEPS)))
    cls, arguments = _STEPS[keys[0]], entry[keys[0]]
    names = {field.name for field in dataclasses.fields(cls)}
    if unknown := set(arguments.names()) - names:
        raise arguments.fault(
            Message("Only {names:, }, not {unknown:, }", names=sorted(names), unknown=sorted(unknown))
        )
    try:
        step = cls(**{key: _tupled(value) for key, value in arguments.plain.items()})
    except TypeError:
        raise arguments.fault(Message("All arguments of {key}", key=keys[0])) from None
    _check_step(step, arguments)
    return step


def _check_step(step: Any, where: Reader) -> None:
    """Refuses values that no picture could survive."""
    if isinstance(step, Normalize):
        means, stds = ([item.number() for item in where[key].items()] for key in ("mean", "std"))
        if len(means) != len(stds) or not stds or 0 in stds:
            raise where.fault(Message("As many means as standard deviations, none of them 0"))
    elif isinstance(step, Resize):
        sides = [side.whole(1, 65536) for side in where["size"].items()]
        if len(sides) != 2:
            raise where["size"].fault(Message("[height, width]"))
        if not where["multiple"].missing:
            where["multiple"].whole(1, 4096)
    elif isinstance(step, (ResizeShort, ResizeLong)):
        where["size"].whole(1, 65536)
    elif isinstance(step, Pad):
        where["multiple"].whole(1, 4096)
    elif isinstance(step, Custom):
        # A settings file must never name code to run; only a plugin's card may.
        raise where.fault(Message("No Custom step in a file"))


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value

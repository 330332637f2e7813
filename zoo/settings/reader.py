"""Typed access to nested settings: every fault names the file, the key path, the value and what was expected."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

from zoo.errors import BundleError
from zoo.message import Message


class Reader:
    """Typed access to nested settings; every fault names the file and the key path."""

    def __init__(self, value: Any, file: Path, path: str) -> None:
        self._value, self._file, self._path = value, file, path

    def fault(self, expected: str) -> BundleError:
        """Returns the error for this value; `expected` begins a sentence."""
        return BundleError(
            "{file}: `{path}` is {value!r:.80}. {expected} was expected.",
            "Correct the file, or export the model again.",
            file=self._file,
            path=self._path,
            value=self._value,
            expected=expected,
        )

    def __getitem__(self, key: str) -> Reader:
        if not isinstance(self._value, dict):
            raise self.fault(Message("A mapping"))
        return Reader(self._value.get(key), self._file, f"{self._path}.{key}".lstrip("."))

    def names(self) -> list[str]:
        """Returns the keys of a mapping."""
        if not isinstance(self._value, dict):
            raise self.fault(Message("A mapping"))
        return [str(key) for key in self._value]

    def items(self) -> list[Reader]:
        """Returns the members of a list."""
        if not isinstance(self._value, list):
            raise self.fault(Message("A list"))
        return [Reader(item, self._file, f"{self._path}[{index}]") for index, item in enumerate(self._value)]

    @property
    def missing(self) -> bool:
        """Whether the key is not there or has no value."""
        return self._value is None

    @property
    def plain(self) -> Any:
        """The value as it was read."""
        return self._value

    def text(self) -> str:
        """Returns a string that is not empty."""
        if not isinstance(self._value, str) or not self._value:
            raise self.fault(Message("Text (in quotes, if YAML takes it for something else)"))
        return self._value

    def whole(self, low: int, high: int) -> int:
        """Returns a whole number within the bounds, which belong to it."""
        if not isinstance(self._value, int) or isinstance(self._value, bool) or not low <= self._value <= high:
            raise self.fault(Message("A whole number from {low} to {high}", low=low, high=high))
        return self._value

    def number(self) -> float:
        """Returns a finite number."""
        if not isinstance(self._value, (int, float)) or isinstance(self._value, bool) or not isfinite(self._value):
            raise self.fault(Message("A finite number"))
        return float(self._value)

    def truth(self) -> bool:
        """Returns true or false."""
        if not isinstance(self._value, bool):
            raise self.fault(Message("true or false"))
        return self._value

    def choice(self, *allowed: str) -> str:
        """Returns one of the allowed strings."""
        if self._value not in allowed:
            raise self.fault(" or ".join(allowed))
        return str(self._value)

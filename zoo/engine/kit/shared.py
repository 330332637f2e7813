"""What several sessions of one program use together."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Opened programs by what they were opened from, as long as a session refers to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: weakref.WeakValueDictionary[tuple[int, Hashable], Value] = weakref.WeakValueDictionary()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns what was made under a key in this process and is in use, or makes it."""
        with self._lock:
            # What a parent process opened has lost its threads here.
            place = os.getpid(), key
            value = self._values.get(place)
            if value is None:
                self._values[place] = value = make()
            return value

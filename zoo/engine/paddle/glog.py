"""Keeps paddle's warnings off stderr where it warns of itself; its errors are told as ever.

Tracing a network calls operations with `out=None`, and each first one warns that `out` is not supported (3.2.2).
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Generator
from typing import Any

import paddle

# The level of glog below which nothing is written, as C++ names it; 2 are errors.
_LEVEL, _ERRORS = "_ZN3fLI17FLAGS_minloglevelE", 2


@contextlib.contextmanager
def errors_only() -> Generator[None]:
    """While something runs: paddle's C++ code logs errors and no warnings."""
    base: Any = paddle.base
    try:
        level = ctypes.c_int.in_dll(ctypes.CDLL(base.libpaddle.__file__), _LEVEL)
    except (OSError, ValueError):
        # A paddle that was built otherwise.
        yield
        return
    before = level.value
    level.value = max(before, _ERRORS)
    try:
        yield
    finally:
        level.value = before

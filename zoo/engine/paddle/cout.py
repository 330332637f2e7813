"""Keeps what C++ code prints on std::cout off stdout, which is for the user's data.

paddle prints there when it builds kernels, in the first run of a session. File descriptor 1 stays as it is meanwhile:
other threads print on it, and processes they start inherit it.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Generator

_GOOD, _BAD = 0, 1


class _Cout:
    """std::cout, which all threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quiet = 0

    @contextlib.contextmanager
    def quiet(self) -> Generator[None]:
        """Drops what is written to it."""
        with self._lock:
            self._quiet += 1
            _set_state(_BAD)
        try:
            yield
        finally:
            with self._lock:
                self._quiet -= 1
                if not self._quiet:
                    _set_state(_GOOD)


COUT = _Cout()


def _set_state(state: int) -> None:
    """Calls std::cout.clear(state): a stream in a bad state writes nothing."""
    try:
        library = ctypes.CDLL("libstdc++.so.6")
        stream = ctypes.addressof(ctypes.c_char.in_dll(library, "_ZSt4cout"))
    except (OSError, ValueError):
        # Another C++ library; paddle's wheels for Linux use this one.
        return
    if table := ctypes.c_void_p.from_address(stream).value:
        # Its state is in a virtual base, whose place lies 24 bytes before the table of functions by the C++ ABI.
        base = stream + ctypes.c_ssize_t.from_address(table - 24).value
        library["_ZNSt9basic_iosIcSt11char_traitsIcEE5clearESt12_Ios_Iostate"](ctypes.c_void_p(base), state)

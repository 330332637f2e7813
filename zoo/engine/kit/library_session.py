"""A session around a function of an engine's library."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.contract.engine import Facts, Session
from zoo.engine.streams import fork
from zoo.errors import InferenceError
from zoo.message import Message, described

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LibrarySession(Session):
    """An opened program whose function any number of threads may call at the same time.

    Args:
        facts: What really runs.
        opened: Opens the program and returns a function that takes a batch (N, C, H, W) float32 and returns the first
            output, an array of its own. The function is let go when the session is closed; in a process that was forked
            off, which has none of the library's threads, the program is opened anew.
    """

    parallel = True

    def __init__(self, facts: Facts, opened: Callable[[], Callable[[NDArray[np.float32]], NDArray[Any]]]) -> None:
        self._facts, self._opened, self._closed = facts, opened, False
        self._function: Callable[[NDArray[np.float32]], NDArray[Any]] | None = opened()
        fork.watch(self)

    @property
    def facts(self) -> Facts:
        """What really runs the program."""
        return self._facts

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch (N, C, H, W) float32 and returns the program's first output.

        Raises:
            InferenceError: The session is closed, or the library failed or gave nothing.
        """
        if self._closed:
            raise InferenceError("The session is closed. An open one was expected.", "Load the model again.")
        function = self._function
        if function is None:
            self._function = function = self._opened()
        try:
            output = function(batch)
        except Exception as error:
            raise self._failed(batch.shape, described(error)) from error
        if not output.size:
            raise self._failed(batch.shape, Message("it returned nothing, so the network cannot take this size"))
        return output

    def close(self) -> None:
        """Lets the program go."""
        self._closed, self._function = True, None

    def hold(self) -> None:
        """Waits for nothing: what runs in a session is held by who runs it."""

    def release(self) -> None:
        """Goes on after `hold`."""

    def forked(self) -> None:
        """Opens the program again at the next batch.

        What the parent opened is never freed here: its library would wait for threads that this process does not have.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._function))
        self._function = None

    def _failed(self, shape: tuple[int, ...], reason: str) -> InferenceError:
        return InferenceError(
            "{library} {version} failed on a batch of shape {shape}: {reason}.",
            "Give pictures of another size, or run it again with --debug and report the traceback.",
            library=self._facts.engine,
            version=self._facts.version,
            shape=shape,
            reason=reason,
        )

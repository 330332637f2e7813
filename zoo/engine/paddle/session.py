"""An opened program of paddle."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.engine import Facts
from zoo.engine.kit.library import threads_setting
from zoo.engine.paddle.cout import COUT
from zoo.engine.paddle.onednn import ONEDNN
from zoo.engine.paddle.probe import first_line, run_predictor
from zoo.engine.paddle.settings import DEVICE_HINT, PLAIN
from zoo.errors import InferenceError
from zoo.message import Message

_log = logging.getLogger("zoo.engine")


class PaddleSession:
    """One predictor behind a lock.

    A predictor used from two threads at once gives wrong label maps without any error, so calls wait for each other.

    Args:
        create: Makes a predictor for a setting and a number of threads.
        settings: Settings to use, best first; ("",) on a device that has none.
        version: paddle's.
        threads: Threads of the predictor.
        device: Name of the device, such as "cpu".
        parallel: Whether sessions run at the same time in threads.
    """

    def __init__(
        self,
        create: Callable[[str, int], Any],
        settings: tuple[str, ...],
        version: str,
        threads: int,
        device: str = "cpu",
        parallel: bool = False,
    ) -> None:
        self._create, self._settings, self._version, self._threads = create, settings, version, threads
        self._device = device
        self.parallel = parallel
        self._lock = threading.Lock()
        self._predictor: Any = create(settings[0], threads)
        self._fresh = True

    @property
    def facts(self) -> Facts:
        """The setting is the one in use, with the number of threads where the device has settings."""
        setting = self._settings[0]
        if setting:
            setting = Message("{parts:, }", parts=[setting, threads_setting(self._threads)])
        return Facts("paddle", self._version, setting, "float32", self._device)

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch.

        Args:
            batch: (N, C, H, W) float32, N at least 1.

        Returns:
            A copy of the program's first output.

        Raises:
            InferenceError: The session is closed, or paddle failed in every setting.
        """
        with self._lock:
            if self._predictor is None:
                raise InferenceError("The session is closed. An open one was expected.", "Load the model again.")
            while True:
                try:
                    # oneDNN kernels report on stdout when they are built: at creation and in the first run.
                    with self._beside(batch.shape), COUT.quiet() if self._fresh else contextlib.nullcontext():
                        output = run_predictor(self._predictor, np.ascontiguousarray(batch))
                    self._fresh = False
                    return output
                except Exception as error:
                    self._fall_back(batch.shape, error)

    def close(self) -> None:
        """Frees the predictor."""
        with self._lock:
            self._predictor = None

    def _beside(self, shape: tuple[int, ...]) -> contextlib.AbstractContextManager[None]:
        """Returns what holds while a batch runs, for the sake of other sessions."""
        return ONEDNN.running(shape) if self._settings[0] not in ("", PLAIN) else contextlib.nullcontext()

    def _fall_back(self, shape: tuple[int, ...], error: Exception) -> None:
        """Goes on to the next setting, or raises when none is left."""
        if isinstance(error, MemoryError) or len(self._settings) == 1:
            raise self._failed(shape, error) from error
        _log.warning(
            "paddle failed with %s on a batch of shape %s (%s); going on with %s",
            self._settings[0],
            shape,
            first_line(error),
            self._settings[1],
        )
        self._settings = self._settings[1:]
        self._predictor = self._create(self._settings[0], self._threads)
        self._fresh = True

    def _failed(self, shape: tuple[int, ...], error: Exception) -> InferenceError:
        if not self._settings[0]:
            return InferenceError(
                "paddle {version} failed on {device}, on a batch of shape {shape}: {error}.",
                DEVICE_HINT,
                version=self._version,
                device=self._device,
                shape=shape,
                error=first_line(error),
            )
        return InferenceError(
            "paddle {version} failed on a batch of shape {shape}: {error}.",
            Message("Use a smaller batch_size or a smaller picture.")
            if isinstance(error, MemoryError)
            else Message("Run it again with --debug and report the traceback."),
            version=self._version,
            shape=shape,
            error=first_line(error),
        )

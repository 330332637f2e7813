"""The paddle engine: programs through paddle.inference."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.util
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from zoo.contract.device import (
    Device,
    Probe,
)
from zoo.contract.engine import SessionOptions
from zoo.engine.paddle_probe import (
    first_line,
    run_predictor,
    working_settings,
)
from zoo.engine.paddle_settings import make_config
from zoo.errors import BackendError, BackendNotInstalledError, InferenceError
from zoo.message import Message

_log = logging.getLogger("zoo.engine")


class PaddleBackend:
    """Opens PIR programs (`inference.json`) and older ones (`.pdmodel`)."""

    name = "paddle"

    def probe(self, device: Device) -> Probe:
        """Says whether paddle is installed; does not import it."""
        if importlib.util.find_spec("paddle") is None:
            return Probe(0, Message("paddlepaddle is not installed"))
        return Probe(1)

    def open(self, program: Path, params: Path, options: SessionOptions, digest: str | None = None) -> PaddleSession:
        """Opens a program.

        Args:
            program: A `.json` or `.pdmodel` file.
            params: Its `.pdiparams` file.
            options: How to open it.
            digest: `Bundle.digest` of files that were verified. Without it the program is opened only if a trial in a
                child process went well, because a broken one may end the process.

        Raises:
            BackendNotInstalledError: paddle cannot be imported.
            BackendError: paddle refuses the program.
        """
        if "paddle" not in sys.modules:
            # The one place that writes the environment: paddle reads these variables when it is imported.
            for variable, value in options.device.environ.items():
                os.environ.setdefault(variable, value)
        try:
            with warnings.catch_warnings():
                # paddle asks for a compiler cache at every import; nothing is compiled here.
                warnings.filterwarnings("ignore", "No ccache found")
                import paddle
                from paddle.inference import create_predictor
        except ImportError as error:
            raise BackendNotInstalledError(
                "paddlepaddle cannot be imported: {reason}.", 'Run: pip install "zoo-core[cpu]"', reason=error
            ) from error
        version = str(paddle.__version__)
        if options.device.kind == "cpu":
            settings = working_settings(program, params, version, digest)
        else:
            settings = (options.device.kind,)
            if digest is None:
                # Only the trial on the CPU is wanted here: it shows a program that is broken everywhere.
                working_settings(program, params, version, digest)

        def create(setting: str, threads: int) -> Any:
            config = make_config(program, params, setting, threads)
            options.device.configure(config, options.index)
            try:
                with _kept_off_stdout():
                    return create_predictor(config)
            except Exception as error:
                raise BackendError(
                    "paddle {version} cannot open {program}: {error}.",
                    "Export the model again with this version of paddlepaddle.",
                    version=version,
                    program=program,
                    error=first_line(error),
                ) from error

        # From 3.3 on run() keeps other threads of Python waiting (measured): sessions would take turns.
        streams = options.device.kind == "cpu" and version.split(".")[:2] == ["3", "2"]
        return PaddleSession(create, settings, version, options.threads, streams)


class PaddleSession:
    """One predictor behind a lock.

    A predictor used from two threads at once gives wrong label maps without any error, so calls wait for each other.

    Args:
        create: Makes a predictor for a setting and a number of threads.
        settings: Settings to use, best first.
        version: paddle's.
        threads: Threads of the predictor.
        has_streams: Whether `open_stream` gains anything.
    """

    def __init__(
        self,
        create: Callable[[str, int], Any],
        settings: tuple[str, ...],
        version: str,
        threads: int,
        has_streams: bool = False,
    ) -> None:
        self._create, self._settings, self._version, self._threads = create, settings, version, threads
        self.has_streams = has_streams
        self._lock = threading.Lock()
        self._predictor: Any = create(settings[0], threads)
        self._fresh = True

    @property
    def engine(self) -> str:
        """Such as "paddle 3.2.2, oneDNN, 2 threads"."""
        unit = "thread" if self._threads == 1 else "threads"
        return Message(
            "paddle {version}, {setting}, {threads} {unit}",
            version=self._version,
            setting=self._settings[0],
            threads=self._threads,
            unit=unit,
        )

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch.

        Args:
            batch: (N, C, H, W) float32, N at least 1.

        Returns:
            A copy of the program's first output.

        Raises:
            InferenceError: The batch has another form, the session is closed, or paddle failed in every setting.
        """
        # A predictor answers an empty batch with the answer to the one before.
        if batch.ndim != 4 or batch.dtype != np.float32 or 0 in batch.shape:
            raise InferenceError(
                "The batch has shape {shape} and dtype {dtype}. (N, C, H, W) float32 without empty axes was expected.",
                "Pass pictures to Model.predict, which makes such batches.",
                shape=batch.shape,
                dtype=batch.dtype,
            )
        with self._lock:
            if self._predictor is None:
                raise InferenceError("The session is closed. An open one was expected.", "Load the model again.")
            while True:
                try:
                    # oneDNN kernels report on stdout when they are built: at creation and in the first run.
                    with _kept_off_stdout() if self._fresh else contextlib.nullcontext():
                        output = run_predictor(self._predictor, np.ascontiguousarray(batch))
                    self._fresh = False
                    return output
                except Exception as error:
                    self._fall_back(batch.shape, error)

    def open_stream(self, threads: int) -> PaddleSession:
        """Opens the program once more. A stream has no other setting to fall back to: it runs in threads, where what
        a new predictor prints could not be told from what the user prints.

        Raises:
            BackendError: paddle refuses.
        """
        return PaddleSession(self._create, self._settings[:1], self._version, threads)

    def close(self) -> None:
        """Frees the predictor."""
        with self._lock:
            self._predictor = None

    def _fall_back(self, shape: tuple[int, ...], error: Exception) -> None:
        """Goes on to the next setting, or raises when none is left."""
        if isinstance(error, MemoryError) or len(self._settings) == 1:
            raise InferenceError(
                "paddle {version} failed on a batch of shape {shape}: {error}.",
                Message("Use a smaller batch_size or a smaller picture.")
                if isinstance(error, MemoryError)
                else Message("Run it again with --debug and report the traceback."),
                version=self._version,
                shape=shape,
                error=first_line(error),
            ) from error
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


class _Stdout:
    """File descriptor 1, which is the process's: of two threads that turned it aside at once, one would keep it so."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # Made once and kept: a thread may still be printing into it when descriptor 1 is back.
        self._meanwhile: TextIO | None = None

    @contextlib.contextmanager
    def aside(self, printed: int) -> Generator[None]:
        """Sends what C++ code prints on stdout to a file; what Python prints meanwhile still goes to stdout.

        Args:
            printed: Descriptor of the file.
        """
        with self._lock:
            try:
                sys.stdout.flush()
                stdout = os.dup(1)
            except (OSError, ValueError, AttributeError):
                # No stdout, or one that is closed: nothing can be printed there.
                yield
                return
            python, meanwhile = sys.stdout, self._writer(stdout)
            # Where stdout is no descriptor, as in a notebook, what Python prints takes another way anyhow.
            if python is sys.__stdout__:
                sys.stdout = meanwhile
            try:
                os.dup2(printed, 1)
                yield
            finally:
                # What C code printed waits in C's own buffer; it must leave before stdout comes back.
                ctypes.CDLL(None).fflush(None)
                os.dup2(stdout, 1)
                os.close(stdout)
                if sys.stdout is meanwhile:
                    sys.stdout = python

    def _writer(self, stdout: int) -> TextIO:
        if self._meanwhile is None:
            descriptor, encoding = os.dup(stdout), sys.stdout.encoding
            self._meanwhile = os.fdopen(descriptor, "w", encoding=encoding, errors="replace", buffering=1)
            atexit.register(self._meanwhile.close)
        else:
            os.dup2(stdout, self._meanwhile.fileno())
        return self._meanwhile


_STDOUT = _Stdout()


@contextlib.contextmanager
def _kept_off_stdout() -> Generator[None]:
    """Sends what C++ code prints on stdout to the log: stdout is for the user's data."""
    with tempfile.TemporaryFile() as printed:
        with _STDOUT.aside(printed.fileno()):
            yield
        printed.seek(0)
        if lines := printed.read().decode("utf-8", "replace").split("\n"):
            _log.debug("paddle printed: %s", "; ".join(sorted({line for line in lines if line})))

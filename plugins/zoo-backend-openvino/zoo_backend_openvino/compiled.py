"""A program as OpenVINO compiled it, now or in an earlier process."""

from __future__ import annotations

import io
import logging
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.plugin import (
    BackendError,
    Calibration,
    Kept,
    Precision,
    Program,
    Request,
    as_onnx,
    available_cores,
)
from zoo_backend_openvino.int8 import quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger("zoo.engine")
# What is not in int8 is exact.
_HINTS: dict[Precision, str] = {"float32": "f32", "bf16": "bf16", "int8": "f32"}
_NAMES = {"f32": "float32", "bf16": "bf16"}
#: Most streams of one compiled program; zoo opens no more.
_STREAMS = 4
#: Of how many sizes of pictures what OpenVINO prepared stays; without a bound every new size stays.
_SIZES = 10


class Compiled:
    """A compiled program, for any number of sessions.

    Args:
        library: OpenVINO.
        program: The program.
        request: How it is to be opened.
        calibration: Which of its layers compute in int8; None for none.

    Attributes:
        precision: Precision in which it really computes, by OpenVINO's name where zoo has none.

    Raises:
        BackendError: OpenVINO refuses the program.
        BundleError: It is damaged, or has an operation without a translation.
    """

    def __init__(
        self, library: Any, program: Program, request: Request, calibration: Calibration | None = None
    ) -> None:
        self._library, self._program, self._request, self._calibration = library, program, request, calibration
        self._lock = threading.Lock()
        self._model: Any = self._compiled()
        hint: str = self._model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision: str = _NAMES.get(hint, hint)
        if calibration is not None and hint == _HINTS["int8"]:
            self.precision = "int8"

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs a batch. Threads may call it at once.

        A program whose run failed is opened again: the next run of that one may fail too, or worse.

        Returns:
            The first output; it is empty where OpenVINO lost its own error, as it does with one thread.
        """
        while True:
            model = self._whole()
            try:
                output = infer(self._library, model, batch)
            except RuntimeError:
                if self._broken(model):
                    raise
                continue
            if output.size or self._broken(model):
                return output

    def _whole(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._compiled()
            return self._model

    def _broken(self, model: Any) -> bool:
        """Lets a model go; False where another run had it let go before, which may be why this one failed."""
        with self._lock:
            first = self._model is model
            if first:
                self._model = None
            return first

    def _compiled(self) -> Any:
        """Compiles the program, or takes what an earlier process compiled, whatever the division of the threads."""
        core, chosen = self._library.Core(), settings(self._request)
        program, calibration = self._program, self._calibration
        in_int8 = () if calibration is None else (repr(sorted(calibration.layers.items())),)
        kept = Kept(self._request.cache, (program.digest, self._library.__version__, *in_int8))
        model = _imported(core, kept, chosen)
        if model is not None:
            return model
        try:
            network = read_model(core, program)
            if calibration is not None:
                quantize(self._library, network, calibration.layers)
            model = core.compile_model(network, "CPU", chosen)
            kept.write(model.export_model().getvalue())
        except RuntimeError as error:
            raise BackendError(
                "it cannot open {program}: {reason}",
                "Use backend='auto'",
                program=program.path,
                reason=" ".join(str(error).split()),
            ) from error
        return model


def infer(library: Any, model: Any, batch: NDArray[np.float32]) -> NDArray[Any]:
    """Runs a compiled model on a batch and returns its first output."""
    # A request of its own: one that has run before would give the answer to an earlier batch again. It is made in
    # 10 microseconds.
    request = model.create_infer_request()
    request.set_input_tensor(library.Tensor(np.ascontiguousarray(batch)))
    request.infer()
    return request.get_output_tensor(0).data.copy()


def _imported(core: Any, kept: Kept, settings: dict[str, Any]) -> Any:
    """Returns what an earlier process compiled; None where there is nothing that OpenVINO takes."""
    blob = kept.read()
    if blob is None:
        return None
    try:
        return core.import_model(io.BytesIO(blob), "CPU", settings)
    except RuntimeError as error:
        _log.info("%s is not taken by OpenVINO and made again: %s", kept.path, error)
        return None


def read_model(core: Any, program: Program) -> Any:
    """Reads a program as OpenVINO's model."""
    # Copies at transpositions cost most where sizes are known only when the program runs.
    dynamic = program.input_shape is None or min(program.input_shape[2:], default=-1) < 0
    return core.read_model(as_onnx(program, channels_first=dynamic), b"")


def settings(request: Request) -> dict[str, Any]:
    """Returns how OpenVINO is to compile a model for a request."""
    streams = max(1, min(available_cores() // request.threads, _STREAMS))
    return {
        "INFERENCE_PRECISION_HINT": _HINTS[request.precision],
        "INFERENCE_NUM_THREADS": request.threads * streams,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
        "CPU_RUNTIME_CACHE_CAPACITY": _SIZES,
    }

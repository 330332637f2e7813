"""A program as OpenVINO compiled it, now or in an earlier process."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.plugin import BackendError, Kept, Precision, Program, Request, as_onnx, available_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger("zoo.engine")
_HINTS: dict[Precision, str] = {"float32": "f32", "bf16": "bf16"}
_NAMES = {"f32": "float32", "bf16": "bf16"}
#: Most streams of one compiled program; zoo opens no more.
_STREAMS = 4
#: Of how many sizes of pictures what OpenVINO prepared stays; without a bound every new size stays.
_SIZES = 10


# Without slots, so that it can be referred to weakly.
@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled program.

    Attributes:
        library: OpenVINO.
        model: Its `CompiledModel`.
        precision: Precision in which it really computes; empty for one that zoo has no name for.
    """

    library: Any
    model: Any
    precision: str

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs a batch. Threads may call it at once.

        Returns:
            The first output; it is empty where OpenVINO lost its own error, as it does with one thread.
        """
        # A request of its own: one that has run before would give the answer to an earlier batch again. It is made in
        # 10 microseconds.
        request = self.model.create_infer_request()
        request.set_input_tensor(self.library.Tensor(np.ascontiguousarray(batch)))
        request.infer()
        return request.get_output_tensor(0).data.copy()


def compile_program(library: Any, program: Program, request: Request) -> Compiled:
    """Compiles a program for as many streams of so many threads as the processor has room for.

    One compilation serves every precision and number of threads; it is kept for later processes.

    Raises:
        BackendError: OpenVINO refuses the program.
        BundleError: It is damaged, or has an operation without a translation.
    """
    core, settings = library.Core(), _settings(request)
    kept = Kept(request.cache, (program.digest, library.__version__))
    model = _imported(core, kept, settings)
    try:
        if model is None:
            model = core.compile_model(_read(core, program), "CPU", settings)
            kept.write(model.export_model().getvalue())
        hint = model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    except RuntimeError as error:
        raise BackendError(
            "it cannot open {program}: {reason}",
            "Use backend='auto'",
            program=program.path,
            reason=" ".join(str(error).split()),
        ) from error
    return Compiled(library, model, _NAMES.get(hint, str(hint)))


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


def _read(core: Any, program: Program) -> Any:
    # Copies at transpositions cost most where sizes are known only when the program runs.
    dynamic = program.input_shape is None or min(program.input_shape[2:], default=-1) < 0
    return core.read_model(as_onnx(program, channels_first=dynamic), b"")


def _settings(request: Request) -> dict[str, Any]:
    streams = max(1, min(available_cores() // request.threads, _STREAMS))
    return {
        "INFERENCE_PRECISION_HINT": _HINTS[request.precision],
        "INFERENCE_NUM_THREADS": request.threads * streams,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
        "CPU_RUNTIME_CACHE_CAPACITY": _SIZES,
    }

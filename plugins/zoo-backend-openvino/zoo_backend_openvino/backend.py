"""Opens programs with OpenVINO. What is heavy is imported when a program is opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from zoo.plugin import (
    Backend,
    BackendError,
    Calibration,
    CalibrationPictures,
    Device,
    Facts,
    LibrarySession,
    Precision,
    Probe,
    Program,
    Request,
    Session,
    Shared,
    hookimpl,
    import_library,
    library_probe,
    threads_setting,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo_backend_openvino.compiled import Compiled


class OpenVino(Backend):
    """Opens programs on the processor, exactly in float32 unless bf16 or int8 is asked for.

    Sessions of one program that have the same share of the threads are streams of one compiled program, which holds the
    weights once.
    """

    name = "openvino"
    api = 1
    precisions: tuple[Precision, ...] = ("float32", "bf16", "int8")
    # Before it is used a program is proven in a child process; OpenVINO raises where it fails.
    tried_first = False
    calibrates = True

    def __init__(self) -> None:
        self._shared: Shared[Compiled] = Shared()

    def supports(self, device: Device, program: Program | None) -> Probe:
        """Says whether OpenVINO is installed and the program's format known; does not import it."""
        if device.kind != "cpu":
            return Probe(0, "it runs on processors here")
        return library_probe(("openvino",), program)

    def open(self, program: Program, request: Request) -> Session:
        """Opens a program.

        Raises:
            BackendNotInstalledError: OpenVINO cannot be imported.
            BackendError: OpenVINO refuses the program, or the processor lacks the precision.
            BundleError: The program is damaged, or has an operation without a translation.
        """
        from zoo.plugin import read_calibration
        from zoo_backend_openvino.compiled import Compiled

        library = import_library("openvino")
        version = library.__version__.partition("-")[0]
        calibration = read_calibration(program) if request.precision == "int8" else None
        key = program.digest, repr(calibration), request.precision, request.threads

        def compiled() -> Compiled:
            return self._shared.get(key, lambda: Compiled(library, program, request, calibration))

        found = compiled()
        if found.precision != request.precision:
            raise BackendError(
                "this processor computes in {found} where {wanted} is asked for",
                "Use precision='float32'",
                found=found.precision,
                wanted=request.precision,
            )
        facts = Facts(self.name, version, threads_setting(request.threads), found.precision, request.device_name)
        return LibrarySession(facts, lambda: compiled().run)

    def calibrate(self, program: Program, request: Request, pictures: CalibrationPictures) -> Calibration:
        """Finds by NNCF what int8 needs to know of a program.

        Raises:
            BackendNotInstalledError: OpenVINO or NNCF cannot be imported.
            BackendError: NNCF is not installed, the processor lacks int8, or see `calibrate.calibrate`.
            BundleError: The program is damaged, or has an operation without a translation.
        """
        if find_spec("nncf") is None:
            raise BackendError(
                "nncf, which finds what int8 needs to know of a model, is not installed.",
                'Run: pip install "nncf>=3.4,<4"',
            )
        from zoo_backend_openvino.calibrate import calibrate
        from zoo_backend_openvino.compiled import infer, read_model, settings

        library = import_library("openvino")
        core = library.Core()
        if "INT8" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise BackendError("this processor does not compute in int8", "Use precision='float32'")

        def opened(model: Any) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
            return partial(infer, library, core.compile_model(model, "CPU", settings(request)))

        nncf = import_library("nncf")
        return calibrate(library, nncf, read_model(core, program), opened, program, pictures)


@hookimpl
def zoo_backends() -> list[Backend]:
    """Returns the engine of this plugin."""
    return [OpenVino()]

"""Opens programs with OpenVINO. What is heavy is imported when a program is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.plugin import (
    Backend,
    BackendError,
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
    from zoo_backend_openvino.compiled import Compiled


class OpenVino(Backend):
    """Opens programs on the processor, exactly in float32 unless bf16 is asked for.

    Sessions of one program that have the same share of the threads are streams of one compiled program, which holds the
    weights once.
    """

    name = "openvino"
    api = 1
    precisions: tuple[Precision, ...] = ("float32", "bf16")
    # Before it is used a program is proven in a child process; OpenVINO raises where it fails.
    tried_first = False

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
        from zoo_backend_openvino.compiled import Compiled

        library = import_library("openvino")
        version = library.__version__.partition("-")[0]
        key = program.digest, request.precision, request.threads

        def compiled() -> Compiled:
            return self._shared.get(key, lambda: Compiled(library, program, request))

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


@hookimpl
def zoo_backends() -> list[Backend]:
    """Returns the engine of this plugin."""
    return [OpenVino()]

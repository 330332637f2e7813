"""The engine `onnxruntime`: programs of paddle and ONNX files, without paddle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.plugin import (
    Backend,
    BackendError,
    Device,
    DeviceUnavailableError,
    Facts,
    Kept,
    LibrarySession,
    Probe,
    Program,
    Request,
    Session,
    Shared,
    as_onnx,
    hookimpl,
    import_library,
    library_probe,
    threads_setting,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
_CPU = ["CPUExecutionProvider"]
#: What it logs: errors are raised anyway.
_FATAL = 4


class OnnxRuntime(Backend):
    """Opens programs in float32 on the processor, and on any device that says which provider it has."""

    name = "onnxruntime"
    api = 1
    # Before it is used a program is proven in a child process; onnxruntime raises where it fails.
    tried_first = False

    def __init__(self) -> None:
        self._shared = Shared[_Loaded]()

    def supports(self, device: Device, program: Program | None) -> Probe:
        """Says whether onnxruntime is installed and its format known; does not import it."""
        if device.kind != "cpu" and not device.place(self.name, 0).get("providers"):
            return Probe(0, f"the device {device.kind} names no provider of onnxruntime")
        return library_probe(_DISTRIBUTIONS, program)

    def open(self, program: Program, request: Request) -> Session:
        """Opens a program.

        Raises:
            BackendNotInstalledError: onnxruntime cannot be imported.
            BackendError: onnxruntime refuses the program.
            BundleError: The program is damaged, or has an operation without a translation.
        """
        library = import_library("onnxruntime")
        threads, device = request.threads, request.device_name

        def loaded() -> _Loaded:
            # With one thread each caller's own does the work, so that any number of them use it side by side.
            if threads > 1:
                return _load(library, program, request)
            return self._shared.get((program.digest, device), lambda: _load(library, program, request))

        facts = Facts(self.name, library.__version__, threads_setting(threads), request.precision, device)
        return LibrarySession(facts, lambda: loaded().run)


@hookimpl
def zoo_backends() -> list[Backend]:
    """Returns the engine of this plugin."""
    return [OnnxRuntime()]


class _Loaded:
    """A program that onnxruntime has loaded."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input, self._outputs = session.get_inputs()[0].name, [session.get_outputs()[0].name]

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs a batch and returns the first output. Threads may call it at once."""
        return self._session.run(self._outputs, {self._input: batch})[0]


def _load(library: Any, program: Program, request: Request) -> _Loaded:
    content, providers = _content(program, request), _providers(request)
    # onnxruntime goes on without a provider that is not in its build (it warns), or that cannot start here (1.32.0).
    _check_used(request, providers, library.get_available_providers())
    try:
        session = library.InferenceSession(content, _options(library, request), providers=providers)
    except Exception as error:
        raise BackendError(
            "it cannot open {program}: {reason}",
            "Use backend='auto'",
            program=program.path,
            reason=" ".join(str(error).split()),
        ) from error
    _check_used(request, providers, session.get_providers())
    return _Loaded(session)


def _check_used(request: Request, providers: Sequence[Any], present: Sequence[str]) -> None:
    """Checks that it is not the processor that computes for another device.

    Raises:
        DeviceUnavailableError: None of the providers that were asked for is there but the processor's.
    """
    asked = [each if isinstance(each, str) else each[0] for each in providers]
    if request.device.kind == "cpu" or {*asked} & {*present} - {*_CPU}:
        return
    raise DeviceUnavailableError(
        "onnxruntime would compute on the processor: {device} names {asked:, }, and here it has {present:, }",
        "Use backend='paddle'",
        device=request.device_name,
        asked=asked,
        present=present,
    )


def _content(program: Program, request: Request) -> bytes:
    """Returns the program as an ONNX file, kept from an earlier time where it had to be translated."""
    if program.path.suffix == ".onnx":
        return as_onnx(program)
    kept = Kept(request.cache, (program.digest, "onnx"))
    content = kept.read()
    if content is None:
        content = as_onnx(program)
        kept.write(content)
    return content


def _options(library: Any, request: Request) -> Any:
    options = library.SessionOptions()
    # Given, it neither counts the cores of the whole machine nor pins its threads to them.
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    # Threads that wait for work burn the time of everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL
    return options


def _providers(request: Request) -> Any:
    """Returns the providers to use.

    Raises:
        DeviceUnavailableError: The device names none.
    """
    if request.device.kind == "cpu":
        return _CPU
    placed = request.device.place("onnxruntime", request.index).get("providers")
    if not placed:
        raise DeviceUnavailableError(
            "{device} names no provider of onnxruntime", "Use device='cpu'", device=request.device_name
        )
    return placed

"""Opens programs with paddle. What is heavy is imported when a program is opened."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.device import Device, Probe
from zoo.contract.engine import Backend, Program, Request
from zoo.contract.hooks import hookimpl
from zoo.errors import BackendError, BackendNotInstalledError, DeviceError, DeviceUnavailableError
from zoo.message import Message

if TYPE_CHECKING:
    from zoo.engine.paddle.session import PaddleSession

_FORMATS = (".json", ".pdmodel")
_VERSION = re.compile(r"^full_version\s*=\s*['\"]([^'\"]+)", re.MULTILINE)


class PaddleBackend(Backend):
    """Opens PIR programs (`inference.json`) and older ones (`.pdmodel`)."""

    name = "paddle"
    api = 1
    reference = True
    # It tries every program with every setting of the processor in a child itself.
    tried_first = False

    def supports(self, device: Device, program: Program | None) -> Probe:
        """Says whether paddle is installed and the program one of its own; does not import it."""
        spec = importlib.util.find_spec("paddle")
        if spec is None:
            return Probe(0, Message("paddlepaddle is not installed"), install=device.install)
        if importlib.util.find_spec("setuptools") is None:
            # paddlepaddle imports it without asking for it in its metadata.
            return Probe(0, Message("setuptools, which it needs, is not installed"), install=device.install)
        if program is not None and (program.params is None or program.path.suffix not in _FORMATS):
            return Probe(
                0,
                Message("it opens .json and .pdmodel with their .pdiparams, not {program}", program=program.path.name),
            )
        return Probe(1, names=(f"paddle {_version(spec.origin)}".strip(),))

    def open(self, program: Program, request: Request) -> PaddleSession:
        """Opens a program.

        Raises:
            BackendNotInstalledError: paddle cannot be imported.
            BackendError: paddle refuses the program, or failed on it in a child process.
            BundleError: The parameters of the program hold NaN or infinity.
            DeviceError: The device needs another environment than paddle has read, or is not the one that computes.
        """
        device, params = request.device, program.params
        assert params is not None  # `supports` was asked
        _prepare_environment(device)
        from zoo.base.host import HOST
        from zoo.engine.trial import TRY_AGAIN, is_shortage

        try:
            with HOST.undisturbed(), warnings.catch_warnings():
                # paddle asks for a compiler cache at every import; nothing is compiled here.
                warnings.filterwarnings("ignore", "No ccache found")
                import paddle
                from paddle.inference import create_predictor
        except ImportError as error:
            raise BackendNotInstalledError(
                "paddlepaddle cannot be imported: {reason}.",
                TRY_AGAIN
                if is_shortage(str(error))
                else Message("Run: {install}", install=device.install or "pip install paddlepaddle"),
                reason=error,
            ) from error
        from zoo.engine.paddle.cout import COUT
        from zoo.engine.paddle.probe import first_line, working_settings
        from zoo.engine.paddle.session import PaddleSession
        from zoo.engine.paddle.settings import clean_config, set_cpu

        version, on_cpu = str(paddle.__version__), device.kind == "cpu"

        def create(setting: str, threads: int) -> Any:
            config = clean_config(program.path, params)
            device.configure(config, request.index)
            if not on_cpu and config.device_number != request.index:
                raise _not_taken(device, request.index, config.device_number)
            if on_cpu:
                set_cpu(config, setting, threads)
            try:
                with COUT.quiet():
                    return create_predictor(config)
            except Exception as error:
                reason, name = first_line(error), None if on_cpu else request.device_name
                raise _not_opened(version, program.path, reason, name, is_shortage(str(error))) from error

        settings = working_settings(program, version) if on_cpu else ("",)
        # From 3.3 on run() keeps other threads of Python waiting (measured): sessions would take turns.
        parallel = on_cpu and version.split(".")[:2] == ["3", "2"]
        return PaddleSession(create, settings, version, request.threads, request.device_name, parallel)


def _not_opened(version: str, program: Path, reason: str, device: str | None, shortage: bool) -> BackendError:
    """Returns the error where paddle opens a program neither on the processor nor, where it has a name, on a device."""
    from zoo.engine.paddle.settings import DEVICE_HINT
    from zoo.engine.trial import TRY_AGAIN

    if device is not None:
        return BackendError(
            "paddle {version} cannot open {program} on {device}: {reason}.",
            DEVICE_HINT,
            version=version,
            program=program,
            device=device,
            reason=reason,
        )
    return BackendError(
        "paddle {version} cannot open {program}: {reason}.",
        TRY_AGAIN if shortage else Message("Export the model again with this version of paddlepaddle."),
        version=version,
        program=program,
        reason=reason,
    )


def _not_taken(device: Device, index: int, number: int | None) -> DeviceUnavailableError:
    """Returns the error where a plugin did not point paddle at the device that was asked for."""
    if number is None:
        reason = Message("its plugin enables no device, so paddle would compute on the processor")
    else:
        reason = Message("its plugin points paddle at number {number}", number=number)
    return DeviceUnavailableError(
        "The device {kind}:{index} cannot be used: {reason}.",
        "Use device='cpu', and report it to the plugin's authors.",
        kind=device.kind,
        index=index,
        reason=reason,
    )


@hookimpl
def zoo_backends() -> list[Backend]:
    """Returns the engine of this plugin."""
    return [PaddleBackend()]


def _version(origin: str | None) -> str:
    """Returns the version of an installed paddle without importing it; empty where it does not say."""
    try:
        text = (Path(origin or "").parent / "version" / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = _VERSION.search(text)
    return found[1] if found else ""


def _prepare_environment(device: Device) -> None:
    """Sets the variables a device needs; paddle reads them when it is imported, and never again.

    Raises:
        DeviceError: One of them has another value.
    """
    imported = "paddle" in sys.modules
    for variable, value in device.environ.items():
        if variable not in os.environ and not imported:
            # The one place that writes the environment.
            os.environ[variable] = value
        elif (found := os.environ.get(variable)) != value:
            when = Message("was imported without it") if found is None else Message("has it as {value!r}", value=found)
            raise DeviceError(
                "The device {kind} needs {variable}={value}, but paddle {when}. It reads this variable when it "
                "is imported.",
                "Run: export {variable}={value}  (before Python is started)",
                kind=device.kind,
                variable=variable,
                value=value,
                when=when,
            )

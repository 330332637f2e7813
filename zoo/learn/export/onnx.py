"""Export folders to ONNX, through paddle2onnx in a process of its own.

The converter ends its process on some programs instead of raising, so it never runs in ours. It installs nothing there.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from zoo.base.child import environment, python
from zoo.base.digest import file_sha256
from zoo.base.files import write_atomic
from zoo.bundle.bundle import Bundle
from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
from zoo.engine.kit import import_library
from zoo.engine.open import session_opener
from zoo.errors import ExportError
from zoo.learn.export.verify import Agreement, trial_batches
from zoo.message import Message
from zoo.settings.yaml_text import read_yaml, write_yaml

#: Name of the file beside the program.
FILE = "inference.onnx"
_OPSET = 17
_SECONDS = 600
_INSTALL = Message('Run: pip install "paddle2onnx>=2.1,<3" onnxruntime')


def export_onnx(bundle: Bundle) -> tuple[Path, Agreement]:
    """Writes `inference.onnx` into an export folder, compared with the program there, and its digest into the settings.

    Args:
        bundle: An exported network.

    Returns:
        The file, and how far onnxruntime's results agree with paddle's.

    Raises:
        ExportError: paddle2onnx or onnxruntime is missing, the converter failed or ended, or the results differ.
    """
    for package in ("paddle2onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise ExportError("{package} is not installed; exporting to ONNX needs it.", _INSTALL, package=package)
    target = bundle.folder / FILE
    partial = bundle.folder / f".{FILE}.part"
    files = [str(path.absolute()) for path in (bundle.program, bundle.params, partial) if path is not None]
    try:
        # The converter leaves files of its own in the current folder when it fails.
        with tempfile.TemporaryDirectory(prefix="zoo-onnx-") as scratch:
            ended = subprocess.run(
                python("zoo.learn.export.onnx", *files),
                cwd=scratch,
                # Should anything in there call pip all the same, it gets nothing from an index.
                env={**environment(), "PIP_NO_INDEX": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        if ended.returncode or not partial.is_file():
            lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
            how = (
                Message("ended by signal {value}", value=-ended.returncode)
                if ended.returncode < 0
                else Message("exit status {returncode}", returncode=ended.returncode)
            )
            raise ExportError(
                "paddle2onnx could not convert {model} ({how}): {reason}.",
                "Export with --format paddle, or another version of paddle2onnx.",
                model=bundle.model,
                how=how,
                reason=lines[-1] if lines else Message("no message"),
            )
        agreement = _compare(bundle, partial)
        agreement.check(Message("the ONNX model and the network"))
        os.replace(partial, target)
        _add_digest(bundle.folder, target)
    except OSError as error:
        raise ExportError(
            "The conversion of {model} cannot be started: {reason}.",
            "Run: export TMPDIR=FOLDER  with a folder you can write to",
            model=bundle.model,
            reason=error.strerror or error,
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ExportError(
            "paddle2onnx took more than {seconds} seconds for {model}.",
            "Export with --format paddle.",
            seconds=_SECONDS,
            model=bundle.model,
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target, agreement


def _add_digest(folder: Path, file: Path) -> None:
    """Puts the digest of a file into the settings, so that an engine may rely on it."""
    settings = read_yaml(folder / SETTINGS, SETTINGS_KIND).value
    settings["zoo"]["sha256"][file.name] = file_sha256(file)
    write_atomic(folder / SETTINGS, write_yaml(settings).encode())


def _compare(bundle: Bundle, onnx_file: Path) -> Agreement:
    # Optional packages: imported by name, so that type checkers need not have them.
    onnxruntime = import_library("onnxruntime")
    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
    name, _, *size = (session.get_inputs()[0].name, *session.get_inputs()[0].shape)
    fixed = (size[1], size[2]) if all(isinstance(side, int) for side in size[1:]) else None
    paddle_session = session_opener(bundle.verify(), "cpu", "paddle")(1)
    agreement = Agreement.none()
    for batch in trial_batches(int(size[0]), fixed):
        try:
            (converted,) = session.run(None, {name: batch})
        except Exception as error:
            raise ExportError(
                "onnxruntime cannot run the converted {model} on {shape}: {reason}.",
                "Export with --format paddle, or with --input-size.",
                model=bundle.model,
                shape=batch.shape,
                reason=error,
            ) from error
        agreement = agreement.add(np.asarray(converted), paddle_session.run(batch))
    paddle_session.close()
    return agreement


def _child(program: str, params: str, target: str) -> None:
    paddle2onnx = importlib.import_module("paddle2onnx")
    # The optimisers it can call after the conversion change no answer; its usual one runs pip to install what it lacks.
    paddle2onnx.export(
        program,
        params,
        target,
        opset_version=_OPSET,
        enable_onnx_checker=True,
        verbose=False,
        optimize_tool="None",
    )


if __name__ == "__main__":
    _child(*sys.argv[1:])

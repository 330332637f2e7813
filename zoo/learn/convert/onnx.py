"""Programs of paddle as ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle, settled
from zoo.engine.device import available_cores
from zoo.engine.kit import import_library, library_probe
from zoo.learn.convert.apart import run_apart
from zoo.learn.convert.compare import Checked, check_converted
from zoo.learn.convert.describe import said_of
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.frame import framed, sized
from zoo.learn.convert.halved import halved
from zoo.learn.convert.original import add_digests, original
from zoo.program import onnx_bytes
from zoo.program.lower import lower

_FILE = "inference.onnx"
_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")


def add_onnx(bundle: Bundle, conversion: FormatOptions) -> Checked:
    """Writes `inference.onnx` into an export folder that nobody uses yet, and adds its digest.

    If onnxruntime is installed, it is run in a process of its own and compared.

    Raises:
        ExportError: The program is none of paddle's or cannot take the size, onnxruntime fails, or the file gives other
            classes.
        BundleError: The program is damaged, or has an operation without a translation.
        OSError: The file cannot be written.
    """
    bundle = settled(bundle)
    frame = framed(bundle, bundle.verify().input_shape, conversion.size)
    onnx = sized(lower(original(bundle)), frame.size)
    target = bundle.folder / _FILE
    target.write_bytes(onnx_bytes(halved(onnx) if conversion.half else onnx, said_of(frame.bundle)))
    checked = Checked(_FILE, 0, 0.0, "", ())
    probe = library_probe(_DISTRIBUTIONS, None)
    if probe.count:
        apart = partial(run_apart, "onnxruntime", "zoo.learn.convert.onnx:run_onnx", target)
        checked = check_converted(bundle, _FILE, apart, probe.names[0], frame.size, conversion.half)
    add_digests(bundle.folder, _FILE)
    return checked


def run_onnx(batches: Sequence[NDArray[np.float32]], file: str) -> list[NDArray[Any]]:
    """Runs a file on batches. A job of `run_apart`.

    Raises:
        BackendNotInstalledError: onnxruntime cannot be imported.
    """
    library = import_library("onnxruntime")
    options = library.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4
    session = library.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return [session.run(None, {session.get_inputs()[0].name: batch})[0] for batch in batches]

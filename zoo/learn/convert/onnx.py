"""Programs of paddle as ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle, settled
from zoo.engine.device import available_cores
from zoo.engine.kit import import_library, library_probe
from zoo.learn.convert.compare import Comparison, compare
from zoo.learn.convert.describe import described
from zoo.learn.convert.original import add_digests, original
from zoo.program import lower, write_onnx

_FILE = "inference.onnx"


def add_onnx(bundle: Bundle) -> Comparison:
    """Writes `inference.onnx` into an export folder, runs it if onnxruntime is installed, and adds its digest.

    Raises:
        ExportError: The program is none of paddle's, or the file gives other classes.
        BundleError: The program is damaged, or has an operation without a translation.
        OutputError: The file cannot be written.
    """
    bundle = settled(bundle)
    target = bundle.folder / _FILE
    write_onnx(lower(original(bundle)), target, described(bundle))
    comparison = Comparison(_FILE, 0, 0.0, "", ())
    if library_probe(("onnxruntime",), None).count:
        library = import_library("onnxruntime")
        session = _session(library, str(target))

        def run(batch: NDArray[np.float32]) -> NDArray[Any]:
            return session.run(None, {session.get_inputs()[0].name: batch})[0]

        comparison = compare(bundle, _FILE, run, f"onnxruntime {library.__version__}")
    add_digests(bundle.folder, _FILE)
    return comparison


def _session(library: Any, path: str) -> Any:
    options = library.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4
    return library.InferenceSession(path, options, providers=["CPUExecutionProvider"])

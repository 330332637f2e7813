"""Programs of paddle as ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle, settled
from zoo.engine.device import available_cores
from zoo.engine.kit import import_library, library_probe
from zoo.learn.convert.compare import Checked, check_converted
from zoo.learn.convert.describe import said_of
from zoo.learn.convert.original import add_digests, original
from zoo.program import onnx_bytes
from zoo.program.lower import lower

_FILE = "inference.onnx"


def add_onnx(bundle: Bundle) -> Checked:
    """Writes `inference.onnx` into an export folder that nobody uses yet, and adds its digest.

    If onnxruntime is installed, it is run and compared.

    Raises:
        ExportError: The program is none of paddle's, or the file gives other classes.
        BundleError: The program is damaged, or has an operation without a translation.
        OSError: The file cannot be written.
    """
    bundle = settled(bundle)
    target = bundle.folder / _FILE
    target.write_bytes(onnx_bytes(lower(original(bundle)), said_of(bundle)))
    checked = Checked(_FILE, 0, 0.0, "", ())
    if library_probe(("onnxruntime",), None).count:
        library = import_library("onnxruntime")
        session = _session(library, str(target))

        def run(batch: NDArray[np.float32]) -> NDArray[Any]:
            return session.run(None, {session.get_inputs()[0].name: batch})[0]

        checked = check_converted(bundle, _FILE, run, f"onnxruntime {library.__version__}")
    add_digests(bundle.folder, _FILE)
    return checked


def _session(library: Any, path: str) -> Any:
    options = library.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4
    return library.InferenceSession(path, options, providers=["CPUExecutionProvider"])

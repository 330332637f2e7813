"""MNN: its converter, and its runtime in Python."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.child import python
from zoo.engine.device import available_cores
from zoo.engine.kit import import_library
from zoo.learn.convert.edge.tool import run_tool, tool_refused, unknown_operations
from zoo.message import Message

#: File of the program.
FILE = "model.mnn"
_UNKNOWN = re.compile(r"These Op Not Support: *(.*)")
_OPERATION = re.compile(r"ONNX::(\w+)")


def convert_to_mnn(given: Path, folder: Path, model: str, half: bool) -> None:
    """Writes `model.mnn` of an ONNX file into a folder.

    Raises:
        ExportError: MNN cannot convert it.
    """
    target = folder.absolute() / FILE
    arguments = ["-f", "ONNX", "--modelFile", str(given), "--MNNModel", str(target), "--bizCode", "zoo"]
    said = run_tool(
        "MNN", python("zoo.learn.convert.edge.mnn", *arguments, *(["--fp16"] if half else [])), given.parent
    )
    if unknown := _OPERATION.findall(" ".join(_UNKNOWN.findall(said))):
        raise tool_refused("MNN", model, unknown_operations(unknown))
    # It exits with 0 whatever happened.
    if not target.is_file() or "Converted Success" not in said:
        last = said.strip().splitlines()[-1:] or [Message("no message")]
        raise tool_refused("MNN", model, last[0])


def run_mnn(batches: Sequence[NDArray[np.float32]], file: str) -> list[NDArray[Any]]:
    """Runs a program on batches. A job of `run_apart`.

    Raises:
        BackendNotInstalledError: MNN cannot be imported.
        RuntimeError: It refuses a batch.
    """
    library = import_library("MNN")
    program = library.Interpreter(file)
    # In float32, also where the processor has less.
    session = program.createSession({"backend": "CPU", "precision": "high", "numThread": available_cores()})
    value = program.getSessionInput(session)
    layout, kind = library.Tensor_DimensionType_Caffe, library.Halide_Type_Float

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        program.resizeTensor(value, batch.shape)
        program.resizeSession(session)
        value.copyFromHostTensor(library.Tensor(batch.shape, kind, np.ascontiguousarray(batch), layout))
        if (code := program.runSession(session)) != 0:
            raise RuntimeError(f"MNN returned {code}")
        output = program.getSessionOutput(session)
        shape = output.getShape()
        made = library.Tensor(shape, kind, np.empty(shape, np.float32), layout)
        output.copyToHostTensor(made)
        return np.array(made.getNumpyData(), np.float32).reshape(shape)

    return [run(batch) for batch in batches]


if __name__ == "__main__":
    # Not by MNN.tools.mnnconvert, which installs a package with pip and reports every conversion to MNN's makers.
    import_library("_tools").mnnconvert(["mnnconvert", *sys.argv[1:]])

"""Layers of paddle as programs, and what other engines make of their translation."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from zoo.engine.kit import import_library
from zoo.program import Graph, onnx_bytes, read_program
from zoo.program.lower import lower

Array = NDArray[Any]


def save(layer: paddle.nn.Layer, folder: Path, specs: Sequence[tuple[Sequence[int | None], str]]) -> Graph:
    """Exports a layer whose inputs are x0, x1 and so on, and reads it back."""
    layer.eval()
    inputs = [paddle.static.InputSpec(list(shape), dtype, f"x{index}") for index, (shape, dtype) in enumerate(specs)]
    with contextlib.redirect_stdout(io.StringIO()):
        program = paddle.jit.to_static(layer, input_spec=inputs, full_graph=True)
        paddle.jit.save(program, str(folder / "inference"))
    params = folder / "inference.pdiparams"
    return read_program(folder / "inference.json", params if params.exists() else None)


def by_onnxruntime(model: bytes, batches: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Runs an ONNX file on one set of inputs after the other."""
    onnxruntime = import_library("onnxruntime")

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    return [session.run(None, dict(zip(names, inputs, strict=True))) for inputs in batches]


def by_openvino(model: bytes, batches: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """The same, in float32."""
    openvino = import_library("openvino")

    core = openvino.Core()
    # With one thread OpenVINO returns the last answer where it should raise.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False}
    request = core.compile_model(core.read_model(model, b""), "CPU", settings).create_infer_request()
    return [[np.array(value) for value in request.infer(list(inputs)).to_tuple()] for inputs in batches]


ENGINES = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}


def translated(graph: Graph, *, channels_first: bool = False) -> bytes:
    """The ONNX file of a program."""
    return onnx_bytes(lower(graph, channels_first=channels_first))


def difference(found: Array, expected: Array) -> float:
    """The largest difference as a share of the spread of what was expected."""
    assert found.shape == expected.shape
    spread = float(expected.max() - expected.min()) if expected.size else 0.0
    return float(np.abs(found.astype(np.float64) - expected).max(initial=0.0)) / (spread or 1.0)

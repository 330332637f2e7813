#!/usr/bin/env bash
# openvino 2026.4.1: an ONNX ReduceL1 of an opset before 18 is taken over every axis, whatever its `axes` say.
#
# Expected: ReduceL1 with axes=[1] of a (2, 3, 4) tensor of ones gives a (2, 4) tensor of 3, as ReduceL2 and ReduceSum do.
# Seen:     a scalar, 24, without a warning; with sides that are known and with sides that are not. ReduceL2, whose axes are
#           an attribute too, is right. onnxruntime 1.32.0 gives (2, 4).
# So:       write the L1 norm as Abs and ReduceSum, and compare a converted model with its source on real inputs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -q "openvino==2026.4.1" "onnxruntime==1.32.0" "onnx==1.23.2" "numpy<3" || exit 2
cd "$folder"
cat > reduce.py <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper


def model(operator, sides):
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, [sides[0], sides[2]])
    node = helper.make_node(operator, ["x"], ["y"], axes=[1], keepdims=0)
    graph = helper.make_graph([node], "norm", [taken], [given])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def by_openvino(program, ones):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(program), "CPU", {"INFERENCE_NUM_THREADS": 1})
    return compiled.create_infer_request().infer({0: ones})[0]


def by_onnxruntime(program, ones):
    return onnxruntime.InferenceSession(program, providers=["CPUExecutionProvider"]).run(None, {"x": ones})[0]


print("openvino", openvino.__version__, "onnxruntime", onnxruntime.__version__)
ones, as_stated = np.ones((2, 3, 4), np.float32), True
for sides in ([2, 3, 4], ["a", "b", "c"]):
    for operator, wrong in (("ReduceL1", True), ("ReduceL2", False)):
        found, expected = (run(model(operator, sides), ones) for run in (by_openvino, by_onnxruntime))
        print(f"{operator} of {sides}: openvino {found.shape}, onnxruntime {expected.shape}")
        as_stated &= expected.shape == (2, 4) and (found.shape == ()) == wrong
print("as stated" if as_stated else "changed")
sys.exit(0 if as_stated else 1)
PYTHON
# Without CI the import of openvino looks up an address to report to.
CI=true timeout 120 "$folder/venv/bin/python" reduce.py

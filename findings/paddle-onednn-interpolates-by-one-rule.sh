#!/usr/bin/env bash
# paddlepaddle 3.2.2 on a CPU: with oneDNN switched on, paddle.inference upsamples by one rule, whatever the program says.
#
# Expected: a program saved from `interpolate(..., align_corners=True)`, or with `align_mode=1`, gives in paddle.inference
#           what it gives in eager mode, with oneDNN and without, up to rounding.
# Seen:     with oneDNN both come out as bilinear with half-pixel centres; nothing is raised or logged. Without oneDNN, and
#           with oneDNN but without its pass "onednn_placement_pass", they are right.
# So:       compare every program with its plain run before trusting `enable_mkldnn()`, or delete that pass.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -q "paddlepaddle==3.2.2" "numpy<3" setuptools || exit 2
cd "$folder"
cat > interpolate.py <<'PYTHON'
import sys

import numpy as np
import paddle
from paddle.inference import Config, create_predictor

KINDS = {
    "half-pixel centres": {"mode": "bilinear", "align_corners": False, "align_mode": 0},
    "align_corners=True": {"mode": "bilinear", "align_corners": True},
    "align_mode=1": {"mode": "bilinear", "align_corners": False, "align_mode": 1},
}


class Upsample(paddle.nn.Layer):
    def __init__(self, arguments):
        super().__init__()
        self.conv = paddle.nn.Conv2D(3, 4, 3, padding=1)
        self.arguments = arguments

    def forward(self, x):
        return paddle.nn.functional.interpolate(self.conv(x), size=[40, 56], **self.arguments)


def run(path, onednn, without_pass=False):
    config = Config(path + ".json", path + ".pdiparams")
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    if onednn:
        config.enable_mkldnn()
        if without_pass:
            config.delete_pass("onednn_placement_pass")
    else:
        config.disable_mkldnn()
    predictor = create_predictor(config)
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(BATCH)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


BATCH = np.random.default_rng(0).normal(size=(1, 3, 10, 14)).astype(np.float32)
print("paddlepaddle", paddle.__version__)
as_stated = True
for number, (kind, arguments) in enumerate(KINDS.items()):
    paddle.seed(0)
    layer = Upsample(arguments)
    layer.eval()
    expected = layer(paddle.to_tensor(BATCH)).numpy()
    path = f"program{number}"
    paddle.jit.save(layer, path, input_spec=[paddle.static.InputSpec([None, 3, None, None], "float32")])
    off = {
        "plain": np.abs(run(path, False) - expected).max(),
        "oneDNN": np.abs(run(path, True) - expected).max(),
        "oneDNN without the pass": np.abs(run(path, True, True) - expected).max(),
    }
    print(f"{kind:<20}", ", ".join(f"{name}: off by {value:.1e}" for name, value in off.items()))
    wrong = kind != "half-pixel centres"
    as_stated &= off["plain"] < 1e-4 and off["oneDNN without the pass"] < 1e-4 and (off["oneDNN"] > 0.05) == wrong
print("as stated" if as_stated else "changed")
sys.exit(0 if as_stated else 1)
PYTHON
timeout 300 "$folder/venv/bin/python" interpolate.py

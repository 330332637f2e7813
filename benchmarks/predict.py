"""Where the time of a prediction goes, beside paddle.inference alone on the same network with argmax inside.

    python benchmarks/predict.py [--repeat N]

One drawn street picture, 512x1024, both sides in one process and in turn, medians. "argmax inside" is the usual form of
a deployed program: it upsamples the logits and returns labels. Its time is that of `run()` alone, on an input that is
ready; zoo's total includes preprocessing and the mask at the size of the picture.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import paddle
from drawn import draw_scene
from machine import describe
from paddle import nn

import zoo
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import CITYSCAPES
from zoo.contract.refs import resolve
from zoo.engine.open import session_opener
from zoo.learn.export import export_bundle
from zoo.registry import find_model
from zoo.segment.transforms import preprocess

STAGES = ("preprocess", "inference", "postprocess")


class ExportedNetwork(nn.Layer):
    """The program of a bundle as a layer, so that it can be exported again in another form."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.program = paddle.jit.load(str(bundle.program.with_suffix("")))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return [self.program(x)]


def main() -> None:
    """Measures both models and prints a table each."""
    parser = argparse.ArgumentParser(description="stages of a prediction against argmax inside the program")
    parser.add_argument("--repeat", type=int, default=15, help="repeats of each side (default: 15)")
    repeat = max(1, parser.parse_args().repeat)
    image = draw_scene(68, 512, 1024).image
    print(describe("paddlepaddle", "numpy"))
    with tempfile.TemporaryDirectory() as folder:
        found = find_model("PP-LiteSeg-T")
        paddle.seed(0)
        network = resolve(found.family.network)("PP-LiteSeg-T", 19, 3)
        random = export_bundle(network, Path(folder) / "random", model="PP-LiteSeg-T", labels=CITYSCAPES)
        compare("PP-LiteSeg-T, random weights", random, image, Path(folder) / "random-argmax", repeat)
        with zoo.load("starter") as model:
            starter = model.bundle
        compare("starter", starter, image, Path(folder) / "starter-argmax", repeat)


def compare(title: str, bundle: Bundle, image: np.ndarray, folder: Path, repeat: int) -> None:
    """Times one model in both forms."""
    inside = export_bundle(
        ExportedNetwork(bundle),
        folder,
        model=bundle.model,
        labels=bundle.labels,
        compat="paddlex",
    )
    tensor, _ = preprocess(image, bundle.preprocess)
    batch = tensor[None]
    with zoo.load(bundle.folder) as model:
        threads = int(model.engine.rsplit(", ", 1)[1].split()[0])
        alone = session_opener(inside.verify(), "cpu", "paddle")(threads)
        stages: dict[str, list[float]] = {stage: [] for stage in (*STAGES, "total", "argmax inside")}
        for index in range(repeat + 2):
            began = time.perf_counter()
            result = model.predict(image).one()
            total = time.perf_counter() - began
            began = time.perf_counter()
            alone.run(batch)
            other = time.perf_counter() - began
            if index >= 2:  # the engine builds its kernels in the first runs
                for stage in STAGES:
                    stages[stage].append(result.seconds[stage])
                stages["total"].append(total)
                stages["argmax inside"].append(other)
        print(f"\n{title}, input {batch.shape[2]}x{batch.shape[3]}, {model.engine}")
        alone.close()
    medians = {stage: statistics.median(times) for stage, times in stages.items()}
    for stage, median in medians.items():
        print(f"  {stage:<14}{1000 * median:8.1f} ms  {median / medians['argmax inside']:5.2f} of argmax inside")


if __name__ == "__main__":
    main()

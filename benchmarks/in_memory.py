"""A picture in memory to its mask: zoo, the bare engine on logits, and the engine with the upsampling in its graph.

    python benchmarks/in_memory.py [MODEL ...] [--rounds 15]

Each model is exported with random weights (the starter model is what it is), once with logits at its stride and once
as others export it: upsampled to the size of the input, with argmax, inside the graph. OpenVINO runs both programs as
zoo translates them, exact, with all threads. In turn: OpenVINO on the logits of a preprocessed picture of 512x1024;
`Model.predict` of the picture, with preprocessing and label map; OpenVINO on the whole graph. "zoo / bare" is what all
around the engine costs; "whole / zoo" is above 1 where zoo is faster; "same" is the share of pixels with one class.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from drawn import draw_scene
from machine import describe
from numpy.typing import NDArray
from pipeline import MODELS, export

import zoo
from zoo.engine.kit.translated import as_onnx
from zoo.segment.transforms import preprocess


def bare(bundle: zoo.Bundle) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Returns a function that runs a program in OpenVINO with all threads, exact."""
    import openvino

    program = openvino.Core().read_model(as_onnx(bundle.verify(), channels_first=True))
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
    }
    request = openvino.Core().compile_model(program, "CPU", settings).create_infer_request()
    return lambda batch: request.infer([batch], share_inputs=True)[0]


def milliseconds(run: Callable[[], object]) -> float:
    """Returns what a call took."""
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def measure(name: str, place: Path, rounds: int) -> None:
    """Prints the line of a model."""
    picture = draw_scene(0, 512, 1024).image
    with zoo.load("starter" if name == "starter" else export(name, place / "zoo", "zoo"), backend="openvino") as model:
        batch = preprocess(picture, model.bundle.preprocess)[0][np.newaxis]
        runs: dict[str, Callable[[], Any]] = {}
        logits = bare(model.bundle)
        runs["bare"] = lambda: logits(batch)
        runs["zoo"] = lambda: model.predict(picture).one().mask
        if name != "starter":
            labels = bare(zoo.read_bundle(export(name, place / "whole", "paddlex")))
            runs["whole"] = lambda: labels(batch)
        outputs = {title: run() for title, run in runs.items()}
        took: dict[str, list[float]] = {title: [] for title in runs}
        for _ in range(rounds):
            for title, run in runs.items():
                took[title].append(milliseconds(run))
    around = [one / other for one, other in zip(took["zoo"], took["bare"], strict=True)]
    line = f"{name:<20}{statistics.median(took['bare']):>9.1f}{statistics.median(took['zoo']):>9.1f}"
    line += f"{statistics.median(around):>8.3f}"
    if "whole" in took:
        faster = [one / other for one, other in zip(took["whole"], took["zoo"], strict=True)]
        same = float((np.squeeze(outputs["whole"]) == outputs["zoo"]).mean())
        line += f"{statistics.median(took['whole']):>10.1f}{statistics.median(faster):>8.3f}{100 * same:>10.4f}"
    print(line, flush=True)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="a picture in memory to its mask")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    print(describe("paddlepaddle", "openvino", "numpy"))
    print(f"{'model':<20}{'bare ms':>9}{'zoo ms':>9}{'/ bare':>8}{'whole ms':>10}{'/ zoo':>8}{'same %':>10}")
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as scratch:
            measure(name, Path(scratch), arguments.rounds)


if __name__ == "__main__":
    main()

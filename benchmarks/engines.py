"""The engines side by side: time of the processor, memory, and seconds from the start to the first mask.

    python benchmarks/engines.py [MODEL ...] [--rounds 3] [--runs 5]

Each model is exported with random weights (the work is the same; the starter model is what it is). In each round the
engines run in turn, each in a fresh process with one thread on one core, on one input of 512x1024; the best run counts.
Ratios are paddle's figure over the engine's, their median and range over the rounds; above 1 the engine is better.
"MB" is the most memory of that process, "two" that of one with two sessions, both with their share of paddle's.
"classes" is the share of pixels of logits with paddle's class. The last column is `zoo predict` of one picture, where
everything was tried and compiled before, as a share of paddle's wall clock; nan where too few pixels agree.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

MODELS = ("starter", "PP-LiteSeg-T", "SeaFormer_tiny", "SegFormer-B0", "OCRNet_HRNet-W18", "Deeplabv3_Plus-R50")
ENGINES = ("paddle", "openvino", "openvino bf16", "onnxruntime")
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "street.jpg"


def export(name: str, folder: Path) -> Path:
    """Returns an export folder of a model."""
    import zoo

    if name == "starter":
        return Path(zoo.load(name, backend="paddle").bundle.folder)
    import paddle

    from zoo.learn.export import export_bundle

    card = zoo.find_model(name).card
    paddle.seed(0)
    bundle = export_bundle(
        zoo.build_network(name),
        folder / name,
        model=name,
        labels=card.labels,
        preprocess=card.preprocess,
        output_stride=card.output_stride,
    )
    return bundle.folder


def child(folder: str, engine: str, runs: int, sessions: int, kept: str) -> None:
    """Runs an engine in so many sessions, and prints what the first took; its classes are kept in a file."""
    import numpy as np

    from zoo.bundle.bundle import read_bundle
    from zoo.engine.open import session_opener

    # One core: openvino prepares as many streams of one thread as there are cores.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    name, _, precision = engine.partition(" ")
    program = read_bundle(Path(folder)).verify()
    opener = session_opener(program, "cpu", name, "bf16" if precision else "float32")
    session, *others = [opener(1) for _ in range(sessions)]
    batch = np.random.default_rng(0).normal(size=(1, 3, 512, 1024)).astype(np.float32)
    output, times = session.run(batch), list[float]()
    for _ in range(runs):
        began = time.process_time()
        output = session.run(batch)
        times.append(time.process_time() - began)
    for other in others:
        other.run(batch)
    np.save(kept, output.argmax(1).astype(np.uint8))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [peak] = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    print(json.dumps({"seconds": min(times), "memory": peak}))


def measured(folder: Path, engine: str, runs: int, kept: Path) -> dict[str, float]:
    """Returns what a fresh process took for runs, and another for `zoo predict`."""

    def run(count: int, sessions: int) -> dict[str, Any]:
        words = [sys.executable, __file__, "--child", str(folder), engine, str(count), str(sessions), str(kept)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    found = {**run(runs, 1), "two": run(1, 2)["memory"]}
    name, _, precision = engine.partition(" ")
    command = [sys.executable, "-m", "zoo", "predict", str(PICTURE), "--model", str(folder), "--backend", name]
    began = time.perf_counter()
    ended = subprocess.run([*command, *(["--precision", precision] if precision else [])], capture_output=True)
    # Random weights leave many classes close together: bf16 may be refused.
    return {**found, "start": math.nan if ended.returncode else time.perf_counter() - began}


def shown(ratios: list[float]) -> str:
    """Returns the median and the range."""
    return f"{statistics.median(ratios):5.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def measure(name: str, rounds: int, runs: int) -> None:
    """Prints the lines of a model."""
    import numpy as np

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder = export(name, place)
        found: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
        for number in range(rounds + 1):
            for engine in ENGINES:
                took = measured(folder, engine, runs if number else 1, place / f"{engine}.npy")
                if number:  # in the first round engines are tried and programs compiled
                    found[engine].append(took)
        classes = {engine: np.load(place / f"{engine}.npy") for engine in ENGINES}
    for engine in ENGINES:
        same = float((classes[engine] == classes["paddle"]).mean())
        mine = {key: statistics.median(round_[key] for round_ in found[engine]) for key in found[engine][0]}
        ratios = {
            key: [theirs[key] / ours[key] for theirs, ours in zip(found["paddle"], found[engine], strict=True)]
            for key in mine
        }
        print(
            f"{name:<20}{engine:<15}{1000 * mine['seconds']:>7.0f}{shown(ratios['seconds']):>20}"
            f"{mine['memory']:>9.0f}{statistics.median(1 / ratio for ratio in ratios['memory']):>7.2f}"
            f"{mine['two']:>9.0f}{statistics.median(1 / ratio for ratio in ratios['two']):>7.2f}"
            f"{100 * same:>11.3f}"
            f"{mine['start']:>8.2f}{statistics.median(1 / ratio for ratio in ratios['start']):>7.2f}",
            flush=True,
        )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="the engines side by side")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update({"ZOO_HOME": home, "ZOO_OFFLINE": "1"})
        print(describe("paddlepaddle", "openvino", "onnxruntime", "numpy"))
        print(
            f"{'model':<20}{'engine':<15}{'cpu ms':>7}{'paddle / it':>20}{'MB':>9}{'share':>7}{'two':>9}{'share':>7}"
            f"{'classes %':>11}{'start s':>8}{'share':>7}"
        )
        for name in arguments.models:
            measure(name, arguments.rounds, arguments.runs)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
    else:
        main()

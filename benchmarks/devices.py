"""Processes of one thread each (`--workers`) against one process: pictures a second, memory, and what the way costs.

    python benchmarks/devices.py [MODEL ...] [--pictures 100] [--rounds 3]

Drawn streets of 1024x512 go through paddle, in turn with what `zoo.load` opens by itself (streams, in threads where
paddle lets go of Python's interpreter lock, else in processes), with one session alone, and with a worker a core.
PP-LiteSeg-T has random weights; the work is the same. The cost of the way is what a session that computes nothing takes
in a process of its own: a picture there and a label map back, by shared memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import paddle
from drawn import draw_scene
from idle import Idle, idle
from machine import describe
from PIL import Image

import zoo
from zoo.engine.streams.processes import ProcessSession
from zoo.learn.export import export_bundle
from zoo.learn.networks import build_network
from zoo.registry import find_model

MODELS = ("starter", "PP-LiteSeg-T")
CORES = len(os.sched_getaffinity(0))
WAYS: dict[str, dict[str, int]] = {"by itself": {}, "one session": {"streams": 1}, "workers": {"workers": CORES}}


def children() -> set[int]:
    """Returns the processes that this one has started and that run."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def memory(pid: int | str) -> int:
    """Returns the most memory that a process had, in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


def opened(name: str, folder: Path) -> str | Path:
    """Returns what `zoo.load` takes: the model of a plugin that brings its weights, or an export of random ones."""
    card = find_model(name).card
    if name == "starter":
        return name
    paddle.seed(0)
    export_bundle(
        build_network(name),
        folder / name,
        model=name,
        labels=card.labels,
        preprocess=card.preprocess,
        output_stride=card.output_stride,
    )
    return folder / name


def rate(model: zoo.Model, pictures: Path) -> float:
    """Returns pictures a second, from files to label maps."""
    began = time.perf_counter()
    count = sum(1 for _ in model.predict(pictures))
    return count / (time.perf_counter() - began)


def measure(name: str, pictures: Path, folder: Path, rounds: int) -> None:
    """Prints the lines of a model."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        what = opened(name, folder)
        before = children()
        models = {
            way: stack.enter_context(zoo.load(what, backend="paddle", **options)) for way, options in WAYS.items()
        }
        for model in models.values():
            rate(model, pictures)
        for _ in range(rounds):
            for way, model in models.items():
                found[way].append(rate(model, pictures))
        held = [memory(pid) for pid in sorted(children() - before)]
    for way, rates in found.items():
        ratios = [own / first for own, first in zip(rates, found["one session"], strict=True)]
        print(
            f"{name:<14}{way:<14}{statistics.median(rates):>8.2f} pictures/s{statistics.median(ratios):>7.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )
    print(f"{name:<14}memory of this process {memory('self')} MB, of the workers {', '.join(map(str, held))} MB")


def cost(runs: int = 300) -> tuple[float, float]:
    """Returns the milliseconds a picture that a process costs, and those that a session here costs."""
    batch = np.zeros((1, 3, 512, 1024), np.float32)
    there, here = ProcessSession(idle, 1), Idle()
    seconds: list[tuple[float, float]] = []
    for _ in range(runs):
        began = time.perf_counter()
        there.run(batch)
        middle = time.perf_counter()
        here.run(batch)
        seconds.append((middle - began, time.perf_counter() - middle))
    there.close()
    far, near = zip(*seconds, strict=True)
    return 1000 * statistics.median(far), 1000 * statistics.median(near)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="workers against one process")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(describe("paddlepaddle", "numpy", "pillow"))
    far, near = cost()
    print(f"a picture there and a label map back: {far:.2f} ms; a call in this process: {near:.2f} ms")
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        pictures.mkdir()
        for number in range(arguments.pictures):
            Image.fromarray(draw_scene(number, 512, 1024).image).save(pictures / f"{number:03}.jpg", quality=90)
        for name in arguments.models:
            measure(name, pictures, Path(scratch), arguments.rounds)


if __name__ == "__main__":
    main()

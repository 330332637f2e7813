"""One session with all threads against streams, sessions with a part of the threads each: pictures a second.

    python benchmarks/streams.py [MODEL ...] [--batches 8] [--rounds 3]

Each model is exported with random weights (the work is the same) and runs on one input of 512x1024, in turn with one
session and with as many streams as `zoo.load` takes by default. "open" is what opening one more session takes; "equal"
says whether a stream's output is that of the one session, bit for bit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import paddle
from machine import describe

from zoo.engine.open import session_opener
from zoo.engine.streams.lanes import MOST
from zoo.learn.export import export_bundle
from zoo.learn.networks import build_network
from zoo.plugin import Session
from zoo.registry import find_model

MODELS = (
    "PP-LiteSeg-T",
    "PP-LiteSeg-B",
    "SeaFormer_base",
    "SegFormer-B0",
    "SegFormer-B2",
    "Deeplabv3-R50",
    "OCRNet_HRNet-W18",
)


def rate(sessions: Sequence[Session], batch: np.ndarray, batches: int) -> float:
    """Returns pictures a second of sessions that share a number of batches, each in a thread."""

    def run(session: Session) -> None:
        for _ in range(batches // len(sessions)):
            session.run(batch)

    threads = [threading.Thread(target=run, args=(session,)) for session in sessions]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return batches // len(sessions) * len(sessions) / (time.perf_counter() - began)


def measure(name: str, batches: int, rounds: int, threads: int) -> None:
    """Prints the line of a model."""
    card, count = find_model(name).card, min(threads, MOST)
    batch = np.random.default_rng(0).normal(size=(1, 3, 512, 1024)).astype(np.float32)
    paddle.seed(0)
    with tempfile.TemporaryDirectory() as folder:
        bundle = export_bundle(
            build_network(name),
            Path(folder) / name,
            model=name,
            labels=card.labels,
            preprocess=card.preprocess,
            output_stride=card.output_stride,
        )
        opener = session_opener(bundle.verify(), "cpu", "paddle")
        main = opener(threads)
        expected = main.run(batch)
        began = time.perf_counter()
        streams = [opener(threads // count) for _ in range(count)]
        opening = (time.perf_counter() - began) / count
        outputs = [stream.run(batch) for stream in streams]
        equal = all(np.array_equal(output, expected) for output in outputs)
    found = [(rate([main], batch, batches), rate(streams, batch, batches)) for _ in range(rounds)]
    ratios = [several / one for one, several in found]
    print(
        f"{name:<18}{statistics.median(one for one, _ in found):>12.2f}{statistics.median(s for _, s in found):>12.2f}"
        f"{statistics.median(ratios):>8.2f} ({min(ratios):.2f} to {max(ratios):.2f}){opening:>9.2f} s   {equal}",
        flush=True,
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="one session against streams")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    print(describe("paddlepaddle", "numpy"))
    print(f"{'model':<18}{'one, /s':>12}{'streams, /s':>12}{'ratio':>8}{'open':>27}   equal")
    for name in arguments.models:
        measure(name, arguments.batches, arguments.rounds, threads)


if __name__ == "__main__":
    main()

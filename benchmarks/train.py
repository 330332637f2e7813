"""zoo's training loop beside a bare loop of paddle: the same network, batches and losses.

    python benchmarks/train.py [--model SeaFormer_tiny] [--crop 256] [--batch 4] [--steps 24] [--rounds 3]

The bare loop has its batches in memory and does forward, loss, backward and step, nothing else. zoo's loop reads JPEG
and PNG files of 360x480, changes and crops them in a process of its own, checks gradients and averages weights. Each
side is a process of its own, in turn; the first steps do not count. "Waits" is the part of zoo's steps in which the
network stands still because no batch is ready. Memory is the most the process had after all steps beside that after
half of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from drawn import draw_scene
from machine import describe
from PIL import Image

CLASSES, PICTURES, FIRST = 11, 24, 4


def draw(folder: Path) -> None:
    """Writes drawn streets with their masks, and a list."""
    rows: list[str] = []
    for number in range(PICTURES):
        scene = draw_scene(number, 360, 480)
        Image.fromarray(scene.image).save(folder / f"{number}.jpg", quality=92)
        Image.fromarray(scene.mask).save(folder / f"{number}.png")
        rows.append(f"{number}.jpg {number}.png\n")
    (folder / "train.txt").write_text("".join(rows))


def setting(arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Returns the network and the recipe of both sides."""
    import paddle

    from zoo.contract.recipe import AdamW, Augmentation, CrossEntropy, PolynomialDecay, Recipe
    from zoo.learn.networks import build_network

    paddle.seed(0)
    network = build_network(arguments.model, CLASSES)
    network.train()
    heads = len(network(paddle.zeros([2, 3, arguments.crop, arguments.crop])))
    recipe = Recipe(
        iterations=FIRST + arguments.steps,
        batch_size=arguments.batch,
        crop=(arguments.crop, arguments.crop),
        optimizer=AdamW(weight_decay=0.01),
        schedule=PolynomialDecay(0.0005),
        losses=(CrossEntropy(),) * heads,
        augmentation=Augmentation(),
        ema=0.99,
    )
    return network, recipe


def bare(arguments: argparse.Namespace) -> dict[str, float]:
    """Trains on batches in memory."""
    import paddle
    from paddle.nn import functional as F

    network, recipe = setting(arguments)
    rng = np.random.default_rng(0)
    size = (arguments.batch, arguments.crop, arguments.crop)
    batches = [
        (
            paddle.to_tensor(rng.standard_normal((size[0], 3, *size[1:])).astype(np.float32)),
            paddle.to_tensor(rng.integers(0, CLASSES, size)),
        )
        for _ in range(4)
    ]
    optimizer = paddle.optimizer.AdamW(0.0005, parameters=network.parameters(), weight_decay=0.01)
    seconds: list[float] = []
    for number in range(recipe.iterations):
        began = time.perf_counter()
        images, masks = batches[number % len(batches)]
        losses = [
            F.cross_entropy(F.interpolate(logits, size=masks.shape[1:], mode="bilinear"), masks, axis=1)
            for logits in network(images)
        ]
        loss = paddle.add_n(losses)
        loss.backward()
        float(loss)
        optimizer.step()
        optimizer.clear_grad()
        seconds.append(time.perf_counter() - began)
    return {"rate": arguments.batch * arguments.steps / sum(seconds[FIRST:])}


def zoo_side(arguments: argparse.Namespace) -> dict[str, float]:
    """Trains by `zoo.learn.training.train`."""
    from zoo.base.peak_memory import peak_memory
    from zoo.learn.data import read_list
    from zoo.learn.examples.loader import batches_ahead
    from zoo.learn.training import loop, train

    network, recipe = setting(arguments)
    waits: list[float] = []

    def timed(*given: Any) -> Iterator[Any]:
        made = batches_ahead(*given)
        while True:
            began = time.perf_counter()
            batch = next(made, None)
            if batch is None:
                return
            waits.append(time.perf_counter() - began)
            yield batch

    loop.batches_ahead = timed
    times: list[float] = []
    memory: list[int] = []

    def report(progress: Any) -> None:
        times.append(time.perf_counter())
        memory.append(peak_memory())

    with tempfile.TemporaryDirectory() as run:
        samples = read_list(arguments.folder / "train.txt")
        train(network, samples, recipe, run, report_every=1, report=report, checkpoint_every=10**9)
    spent = times[-1] - times[FIRST - 1]
    return {
        "rate": arguments.batch * arguments.steps / spent,
        "waits": sum(waits[FIRST:]) / spent,
        "grows": memory[-1] / memory[len(memory) // 2] - 1,
    }


def main() -> None:
    """Measures both in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="SeaFormer_tiny")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--side", choices=["bare", "zoo"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps((bare if arguments.side == "bare" else zoo_side)(arguments)))
        return
    found: dict[str, list[dict[str, float]]] = {"bare": [], "zoo": []}
    with tempfile.TemporaryDirectory() as place:
        draw(Path(place))
        for _ in range(arguments.rounds):
            for side, results in found.items():
                command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--folder", place]
                environ = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
                ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
                results.append(json.loads(ended.stdout.splitlines()[-1]))
    rates = {side: statistics.median(one["rate"] for one in results) for side, results in found.items()}
    ratio = statistics.median(
        ours["rate"] / theirs["rate"] for ours, theirs in zip(found["zoo"], found["bare"], strict=True)
    )
    print(describe("paddlepaddle"))
    print(
        f"{arguments.model}, {arguments.batch} crops of {arguments.crop}x{arguments.crop}, "
        f"{arguments.threads} threads, {arguments.steps} steps: bare loop {rates['bare']:.2f} pictures a second, "
        f"zoo {rates['zoo']:.2f}: {ratio:.3f}; waits {max(one['waits'] for one in found['zoo']):.1%}, "
        f"memory grows by {max(one['grows'] for one in found['zoo']):.1%}"
    )


if __name__ == "__main__":
    main()

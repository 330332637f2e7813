"""Label maps from logits: cells against the full evaluation, in one interleaved run.

    python benchmarks/upsample.py [--repeat N]

Candidates: `zoo.segment.upsample.upsample_argmax`; all logits upsampled in numpy, then argmax; paddle's interpolate and
argmax, if paddle can be imported. Times are medians over the repeats, A B C A B C ..., after one unmeasured round that
checks that all candidates agree. Slow rows stop early: the whole run takes about 15 seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from drawn import draw_scene
from machine import describe
from numpy.typing import NDArray

from zoo.segment.upsample import upsample_argmax

Candidate = Callable[[NDArray[np.float32], tuple[int, int]], NDArray[np.integer]]

SECONDS_PER_ROW = 2.5


def full_logits(logits: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.floating]:
    """All (C, H, W) logits, rows first and then columns, in the type of the logits."""
    full = logits
    for axis, to in zip((1, 2), size, strict=True):
        of = full.shape[axis]
        source = np.clip((np.arange(to) + 0.5) * of / to - 0.5, 0, of - 1)
        low = np.floor(source).astype(int)
        weight = (source - low).astype(np.float32)
        weight = weight[:, None] if axis == 1 else weight
        before, after = full.take(low, axis), full.take(np.minimum(low + 1, of - 1), axis)
        full = before + (after - before) * weight
    return full


def full_numpy(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.integer]:
    """All logits, then argmax."""
    return full_logits(logits, size).argmax(axis=0)


def paddle_candidate() -> tuple[str, Candidate] | None:
    """The framework itself on the CPU, with its own choice of threads; None where it is not installed."""
    try:
        import paddle
    except ImportError:
        return None
    paddle.set_device("cpu")

    def run(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.integer]:
        full = paddle.nn.functional.interpolate(
            paddle.to_tensor(logits[None]), size=list(size), mode="bilinear", align_corners=False, align_mode=0
        )
        return full.argmax(axis=1, dtype="int32")[0].numpy()

    return f"paddle {paddle.__version__}", run


def street(classes: int, low: tuple[int, int], size: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    """Logits much like a network's for a drawn street: one-hot, averaged to low resolution, blurred, a little noise."""
    mask = draw_scene(seed, *size).mask.astype(int)
    # Spread over the classes that are asked for.
    one_hot = (mask * 13 % classes == np.arange(classes)[:, None, None]).astype(np.float32)
    strides = size[0] // low[0], size[1] // low[1]
    logits = one_hot.reshape(classes, low[0], strides[0], low[1], strides[1]).mean(axis=(2, 4))
    for axis in (1, 2):
        logits = (np.roll(logits, 1, axis) + 2 * logits + np.roll(logits, -1, axis)) / 4
    noise = np.random.default_rng(seed).normal(0, 0.15, logits.shape)
    return (8 * logits + noise).astype(np.float32)


def noise(classes: int, low: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """The worst case: every cell is mixed."""
    del size
    return np.random.default_rng(0).normal(size=(classes, *low)).astype(np.float32)


CASES = [
    ("street", street, 19, (64, 128), (512, 1024)),
    ("street", street, 150, (64, 64), (512, 512)),
    ("noise", noise, 19, (64, 128), (512, 1024)),
    ("noise", noise, 150, (64, 64), (512, 512)),
]


def measure(
    candidates: dict[str, Candidate], logits: NDArray[np.float32], size: tuple[int, int], repeat: int
) -> tuple[dict[str, float], int]:
    """Median seconds of each candidate, and the number of interleaved repeats behind it."""
    labels = [run(logits, size) for run in candidates.values()]
    for name, other in zip(candidates, labels, strict=True):
        share = float(np.mean(other != labels[0]))
        if share > 1e-4:
            raise SystemExit(f"{name} differs from {next(iter(candidates))} in {share:.2%} of the pixels")
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    deadline = time.perf_counter() + SECONDS_PER_ROW
    done = 0
    while done < repeat and (done == 0 or time.perf_counter() < deadline):
        for name, run in candidates.items():
            start = time.perf_counter()
            run(logits, size)
            seconds[name].append(time.perf_counter() - start)
        done += 1
    return {name: statistics.median(values) for name, values in seconds.items()}, done


def main() -> None:
    """Runs every case and prints one table."""
    parser = argparse.ArgumentParser(description="cells against full upsampling, in one interleaved run")
    parser.add_argument("--repeat", type=int, default=25, help="most repeats of a row (default: 25)")
    repeat = max(1, parser.parse_args().repeat)
    candidates: dict[str, Candidate] = {"cells": upsample_argmax, "numpy": full_numpy}
    paddle = paddle_candidate()
    if paddle is not None:
        candidates[paddle[0]] = paddle[1]

    print(describe("numpy"))
    print(
        f"{'logits':<28}{'size':<12}" + "".join(f"{name + ' ms':>18}{'ratio':>8}" for name in candidates) + "  repeats"
    )
    for kind, make, classes, low, size in CASES:
        medians, done = measure(candidates, make(classes, low, size), size, repeat)
        row = f"{f'{kind} {classes}x{low[0]}x{low[1]}':<28}{f'{size[0]}x{size[1]}':<12}"
        for value in medians.values():
            row += f"{value * 1e3:>18.2f}{value / medians['cells']:>8.1f}"
        print(f"{row}  {done}", flush=True)


if __name__ == "__main__":
    main()

"""Large pictures: memory and time of a TIFF in windows, and scores against the plain way.

    python benchmarks/slide.py [--width 20000] [--height 4000 8000] [--window 1024] [--scores-only]

Memory: for each height a tiled, deflate-compressed RGB TIFF is drawn, and a child process segments it into a label
TIFF. "model" is the resident memory of the child with the model loaded and one window run; "above" is how far the peak
of the whole run lies above it. The network is PP-LiteSeg at an eighth of its width with random weights: what is
measured is zoo, not the network.

Scores: `winning_scores` beside softmax over all upsampled logits in numpy; medians, in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from numpy.typing import NDArray
from upsample import full_logits, street

from zoo.contract.labels import CITYSCAPES
from zoo.contract.spec import Normalize
from zoo.predict.tiff import Progress
from zoo.segment.scores import winning_scores
from zoo.segment.upsample import upsample_argmax

TILE = 512


def full_softmax(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """All (C, H, W) logits, then the highest softmax."""
    full = full_logits(logits, size)
    return 1 / np.exp(full - full.max(axis=0)).sum(axis=0)


def compare_scores(repeat: int) -> None:
    """Prints a table of scores against the plain way, with the label map's time beside it."""
    candidates = {"labels": upsample_argmax, "scores": winning_scores, "plain scores": full_softmax}
    print(f"{'logits':<16}{'size':<12}" + "".join(f"{name + ' ms':>17}" for name in candidates) + f"{'difference':>14}")
    for classes, low, size in (
        (19, (64, 128), (512, 1024)),
        (150, (64, 64), (512, 512)),
        (19, (256, 512), (1024, 2048)),
    ):
        logits = street(classes, low, size)
        difference = float(np.abs(winning_scores(logits, size) - full_softmax(logits.astype(np.float64), size)).max())
        seconds: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(repeat):
            for name, run in candidates.items():
                began = time.perf_counter()
                run(logits, size)
                seconds[name].append(time.perf_counter() - began)
        medians = "".join(f"{1e3 * statistics.median(times):>17.1f}" for times in seconds.values())
        print(
            f"{f'{classes}x{low[0]}x{low[1]}':<16}{f'{size[0]}x{size[1]}':<12}{medians}{difference:>14.1e}", flush=True
        )


def draw_tiff(path: Path, height: int, width: int) -> None:
    """Writes a picture of street scenes side by side."""
    import tifffile

    scenes = [draw_scene(seed, TILE, TILE).image for seed in range(12)]

    def tiles() -> Iterator[NDArray[np.uint8]]:
        for number in range(-(-height // TILE) * -(-width // TILE)):
            yield scenes[number * 7 % 12]

    tifffile.imwrite(
        path,
        tiles(),
        shape=(height, width, 3),
        dtype=np.uint8,
        photometric="rgb",
        tile=(TILE, TILE),
        compression="zlib",
        compressionargs={"level": 1},
    )


def memory() -> dict[str, float]:
    """Resident memory of this process and its peak, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return {line[:5]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}


def segment(folder: Path, source: Path, target: Path, side: int) -> None:
    """The child: segments one file and prints what it took as JSON."""
    from zoo.bundle.bundle import read_bundle
    from zoo.engine.open import session_opener
    from zoo.predict.arguments import RunOptions
    from zoo.predict.plan import make_plan
    from zoo.predict.tiff import segment_tiff

    bundle = read_bundle(folder)
    session = session_opener(bundle.verify(), "cpu", "paddle")(2)
    for _ in range(2):
        session.run(np.zeros((1, 3, side, side), np.float32))
    model = memory()["VmRSS"]
    # From here on the peak counts anew.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    engine = 0.0

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal engine
        began = time.perf_counter()
        output = session.run(batch)
        engine += time.perf_counter() - began
        return output

    def show(progress: Progress) -> None:
        if sys.stderr.isatty():
            print(
                f"\r{progress.done_rows} of {progress.rows} rows, {progress.left:.0f} s left ", end="", file=sys.stderr
            )

    began = time.perf_counter()
    plan = make_plan(bundle, RunOptions(mode="slide", window=(side, side), stride=(side * 3 // 4,) * 2))
    segment_tiff(source, target, partial(map, run), plan, progress=show)
    seconds = time.perf_counter() - began
    print(json.dumps({"model": model, "peak": memory()["VmHWM"], "seconds": seconds, "engine": engine}))


def measure(width: int, heights: list[int], side: int) -> None:
    """Prints a table of runs in child processes."""
    import paddle

    from zoo.learn.export import export_bundle
    from zoo_plugin_pp_liteseg.network import PPLiteSeg

    print(
        f"\n{'picture':<16}{'file MB':>9}{'model MB':>10}{'peak MB':>9}{'above MB':>10}{'seconds':>9}{'engine s':>10}"
    )
    with tempfile.TemporaryDirectory() as folder:
        paddle.seed(3)
        network = PPLiteSeg(19, 3, (1, 1, 1), (16, 16, 16), (16, 16, 16), width=8, context_channels=16)
        export_bundle(network, Path(folder) / "model", model="small", labels=CITYSCAPES, preprocess=(Normalize(),))
        for height in heights:
            source, target = Path(folder) / "picture.tif", Path(folder) / "labels.tif"
            draw_tiff(source, height, width)
            ended = subprocess.run(
                [sys.executable, __file__, "--child", folder, "--window", str(side)], stdout=subprocess.PIPE, check=True
            )
            facts = json.loads(ended.stdout.splitlines()[-1])
            print(
                f"{f'{height}x{width}':<16}{source.stat().st_size / 2**20:>9.0f}{facts['model']:>10.0f}"
                f"{facts['peak']:>9.0f}{facts['peak'] - facts['model']:>10.0f}{facts['seconds']:>9.0f}"
                f"{facts['engine']:>10.0f}",
                flush=True,
            )
            source.unlink()
            target.unlink()


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description="memory and time of large pictures in windows, and of scores")
    parser.add_argument("--width", type=int, default=20_000, help="pixels (default: 20000)")
    parser.add_argument("--height", type=int, nargs="+", default=[4_000, 8_000], help="pixels (default: 4000 8000)")
    parser.add_argument("--window", type=int, default=1024, help="side of a window (default: 1024)")
    parser.add_argument("--repeat", type=int, default=9, help="repeats of the scores (default: 9)")
    parser.add_argument("--scores-only", action="store_true", help="leave the large pictures out")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        folder = arguments.child
        segment(folder / "model", folder / "picture.tif", folder / "labels.tif", arguments.window)
        return
    print(describe("numpy", "paddlepaddle", "tifffile"))
    compare_scores(max(1, arguments.repeat))
    if not arguments.scores_only:
        measure(arguments.width, arguments.height, arguments.window)


if __name__ == "__main__":
    main()

"""`zoo evaluate` on a list of labelled pictures: pictures a second.

    python benchmarks/evaluate.py [MODEL ...] [--pictures N] [--size H W] [--backend NAME]
                                  [--rounds 5] [--baseline PYTHON]

The list is CamVid's validation list (480x360) where `../shared/data/camvid` lies beside the checkout, otherwise, and
with --pictures, drawn scenes of the same size. The command runs with the whole list and with its first picture alone;
the rate is that of the pictures between, without start-up and loading. Networks have random weights, so their mIoU
means nothing; both sides must report the same. Behind the rates stand the processor time of a picture, which can be
compared on a busy machine, and what an evaluation costs beyond predicting the same pictures (`evaluation_cost.py`).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from beside import HERE, Measured, Side, compare, export_random, parse, sides
from drawn import draw_scene
from PIL import Image

MODELS = ("starter", "PP-LiteSeg-T")
CAMVID = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid"
SIZE = (360, 480)
SCENES = 20
DRAWN = 100


def draw(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Writes drawn scenes, at most twenty different ones, and returns their list file."""
    scenes = min(SCENES, count)
    for seed in range(scenes):
        scene = draw_scene(seed, *size)
        Image.fromarray(scene.image).save(folder / f"{seed}.jpg", quality=95)
        Image.fromarray(scene.mask).save(folder / f"{seed}.png")
    path = folder / "list.txt"
    path.write_text("".join(f"{number % scenes}.jpg {number % scenes}.png\n" for number in range(count)))
    return path


def evaluate(side: Side, model: str, backend: str, data: Path, root: Path) -> tuple[float, float, dict[str, Any]]:
    """Runs the command; returns its seconds, its processor seconds and what it reports."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    output = side.run("-m", "zoo", "evaluate", model, "--data", data, "--root", root, "--backend", backend, "--json")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, json.loads(output)


def tell_cost(side: Side, model: str, backend: str, data: Path) -> None:
    """Measures and prints what an evaluation costs beyond the predictions."""
    found = json.loads(side.run(HERE / "evaluation_cost.py", model, data, backend, "5"))
    small, large = found["count_ms"]
    few, many = found["megabytes"]
    print(
        f"  {side.name:<9}over predict: {100 * (found['seconds'] - 1):+.1f} % time, {100 * (found['cpu'] - 1):+.1f} % "
        f"processor time ({found['more_ms']:.2f} ms a picture); counting {small:.2f} ms at 480x360, {large:.1f} ms at "
        f"2048x1024; {few:.0f} MB, with four times the pictures {many:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="zoo evaluate on labelled pictures")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--pictures", type=int, metavar="N", help="N drawn scenes in place of CamVid")
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, metavar=("H", "W"), help="size of drawn scenes")
    parser.add_argument("--backend", default="auto", help="engine of both sides; by default each takes its fastest")
    arguments = parse(parser, rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = sides(arguments.baseline, scratch)
        camvid = CAMVID.is_dir() and arguments.pictures is None
        data = CAMVID / "val.txt" if camvid else draw(scratch, arguments.pictures or DRAWN, tuple(arguments.size))
        lines = data.read_text(encoding="utf-8").splitlines(keepends=True)
        first = scratch / "first.txt"
        first.write_text(lines[0], encoding="utf-8")
        print(f"{len(lines)} pictures, {'CamVid val' if camvid else 'drawn'}")
        for name in arguments.models:
            model = name if name == "starter" else str(export_random(name, scratch))
            spent: dict[str, list[float]] = {side.name: [] for side in found}

            def measure(side: Side, model: str = model, spent: dict[str, list[float]] = spent) -> Measured:
                start, start_cpu, _ = evaluate(side, model, arguments.backend, first, data.parent)
                whole, cpu, report = evaluate(side, model, arguments.backend, data, data.parent)
                spent[side.name].append(1000 * (cpu - start_cpu) / (len(lines) - 1))
                # An older build has fewer figures of a class.
                iou = [(entry["class"], entry["IoU"]) for entry in report["IoU"]]
                answer = [*(report[key] for key in ("pictures", "mIoU", "accuracy")), iou]
                return Measured((len(lines) - 1) / (whole - start), str(report["engine"]), answer)

            for side in found:
                evaluate(
                    side, model, arguments.backend, first, data.parent
                )  # fills the caches, and tries the engine's settings
            compare(name, found, measure, arguments.rounds)
            for side in found:
                print(f"  {side.name:<9}{statistics.median(spent[side.name]):8.2f} ms processor time a picture")
            for side in found:
                tell_cost(side, model, arguments.backend, data)


if __name__ == "__main__":
    main()

"""`zoo evaluate` on a list of labelled pictures: pictures a second.

    python benchmarks/evaluate.py [MODEL ...] [--pictures N] [--rounds 5] [--baseline PYTHON]

The list is CamVid's validation list (480x360) where `../shared/data/camvid` lies beside the checkout, otherwise, and
with --pictures, drawn scenes of the same size. The command runs with the whole list and with its first picture alone;
the rate is that of the pictures between, without start-up and loading. Networks have random weights, so their mIoU
means nothing; both sides must report the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from beside import Measured, Side, compare, export_random, parse, sides
from drawn import draw_scene
from PIL import Image

MODELS = ("starter", "PP-LiteSeg-T")
CAMVID = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid"
SIZE = (360, 480)
SCENES = 20
DRAWN = 100


def draw(folder: Path, count: int) -> Path:
    """Writes drawn scenes, at most twenty different ones, and returns their list file."""
    scenes = min(SCENES, count)
    for seed in range(scenes):
        scene = draw_scene(seed, *SIZE)
        Image.fromarray(scene.image).save(folder / f"{seed}.jpg", quality=95)
        Image.fromarray(scene.mask).save(folder / f"{seed}.png")
    path = folder / "list.txt"
    path.write_text("".join(f"{number % scenes}.jpg {number % scenes}.png\n" for number in range(count)))
    return path


def evaluate(side: Side, model: str, data: Path, root: Path) -> tuple[float, dict[str, object]]:
    """Runs the command; returns its seconds and what it reports."""
    began = time.perf_counter()
    output = side.run("-m", "zoo", "evaluate", model, "--data", data, "--root", root, "--json")
    return time.perf_counter() - began, json.loads(output)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="zoo evaluate on labelled pictures")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--pictures", type=int, metavar="N", help="N drawn scenes in place of CamVid")
    arguments = parse(parser, rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = sides(arguments.baseline, scratch)
        camvid = CAMVID.is_dir() and arguments.pictures is None
        data = CAMVID / "val.txt" if camvid else draw(scratch, arguments.pictures or DRAWN)
        lines = data.read_text(encoding="utf-8").splitlines(keepends=True)
        first = scratch / "first.txt"
        first.write_text(lines[0], encoding="utf-8")
        print(f"{len(lines)} pictures, {'CamVid val' if camvid else 'drawn'}")
        for name in arguments.models:
            model = name if name == "starter" else str(export_random(name, scratch))

            def measure(side: Side, model: str = model) -> Measured:
                start, _ = evaluate(side, model, first, data.parent)
                whole, report = evaluate(side, model, data, data.parent)
                answer = [report[key] for key in ("pictures", "mIoU", "accuracy", "IoU")]
                return Measured((len(lines) - 1) / (whole - start), str(report["engine"]), answer)

            for side in found:
                evaluate(side, model, first, data.parent)  # fills the caches, and tries the engine's settings
            compare(name, found, measure, arguments.rounds)


if __name__ == "__main__":
    main()

"""Threads that share one model, each with single pictures, as a server has them: pictures a second.

    python benchmarks/threads.py [MODEL ...] [--threads 4] [--pictures 12] [--warm 2] [--rounds 5] [--baseline PYTHON]

Every thread calls `model.predict(picture).one()` for one picture after the other, 512x1024 and decoded. A round is a
process of its own, whose first pictures, `--warm` a thread, are not counted: more of them show a server that has been
running for a while, whose engine has opened what it opens for many callers. Networks have random weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from beside import Measured, Side, compare, export_random, parse, sides
from drawn import draw_scene
from numpy.typing import NDArray
from PIL import Image

import zoo

MODELS = ("starter", "PP-LiteSeg-T")
SCENES = 8


def predict(model: zoo.Model, images: list[NDArray[np.uint8]], threads: int, count: int) -> list[NDArray[np.integer]]:
    """Returns the masks of all threads, each with its own pictures."""

    def one_thread(number: int) -> list[NDArray[np.integer]]:
        mine = range(number * count, (number + 1) * count)
        return [model.predict(images[index % len(images)]).one().mask for index in mine]

    with ThreadPoolExecutor(threads) as pool:
        return [mask for masks in pool.map(one_thread, range(threads)) for mask in masks]


def child(model: str, pictures: str, threads: int, count: int, warm: int) -> None:
    """Measures once and prints JSON."""
    images = [np.asarray(Image.open(path)) for path in sorted(Path(pictures).iterdir())]
    with zoo.load(model) as loaded:
        predict(loaded, images, threads, warm)
        began = time.perf_counter()
        masks = predict(loaded, images, threads, count)
        seconds = time.perf_counter() - began
        answer = hashlib.sha256(b"".join(mask.astype(np.uint8).tobytes() for mask in masks)).hexdigest()
        print(json.dumps([threads * count / seconds, loaded.engine, answer]))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="threads with single pictures on one model")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=12, help="pictures a thread (default: 12)")
    parser.add_argument("--warm", type=int, default=2, help="pictures a thread before (default: 2)")
    arguments = parse(parser, rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found, pictures = sides(arguments.baseline, scratch), scratch / "pictures"
        pictures.mkdir()
        for seed in range(SCENES):
            Image.fromarray(draw_scene(seed, 512, 1024).image).save(pictures / f"{seed}.png")
        print(f"{arguments.threads} threads, {arguments.pictures} single pictures each")
        for name in arguments.models:
            model = name if name == "starter" else str(export_random(name, scratch))
            values = (model, str(pictures), str(arguments.threads), str(arguments.pictures), str(arguments.warm))

            def measure(side: Side, values: tuple[str, ...] = values) -> Measured:
                return Measured(*json.loads(side.run(__file__, "--child", *values)))

            compare(name, found, measure, arguments.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:4], *map(int, sys.argv[4:]))
    else:
        main()

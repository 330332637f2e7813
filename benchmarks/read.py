"""What reading and checking a picture file costs, as ratio to Pillow alone, in processor time of this process.

    python benchmarks/read.py [ROUNDS]

A 512x1024 street scene as PNG and as JPEG. zoo recognises the file, checks that it is whole and makes RGB of it; Pillow
opens and converts it, and looks for nothing. Both are run in turn; medians are compared.
Goals: PNG at most 1.15 times Pillow, JPEG at most 1.1.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from numpy.typing import NDArray
from PIL import Image

from zoo.picture.sources import inputs

GOALS = {"PNG": 1.15, "JPEG": 1.1}


def main() -> None:
    """Prints a line a format."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 61
    print(describe("pillow", "numpy"), f"- {rounds} rounds")
    scene = Image.fromarray(draw_scene(68, 512, 1024).image)
    with tempfile.TemporaryDirectory() as folder:
        for kind, goal in GOALS.items():
            path = Path(folder, f"scene.{kind.lower()}")
            scene.save(path)
            zoo, pillow = medians(path, rounds)
            print(
                f"{kind:<5} zoo {1000 * zoo:6.2f} ms, Pillow {1000 * pillow:6.2f} ms: "
                f"{zoo / pillow:.2f} x (goal: at most {goal})"
            )


def medians(path: Path, rounds: int) -> list[float]:
    """Returns the seconds of processor time that zoo and Pillow need for a file."""
    readers = (with_zoo, with_pillow)
    if not np.array_equal(with_zoo(path), with_pillow(path)):
        raise SystemExit(f"{path} is not read alike")
    times: dict[Callable[[Path], object], list[float]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            start = time.process_time()
            reader(path)
            times[reader].append(time.process_time() - start)
    return [statistics.median(times[reader]) for reader in readers]


def with_zoo(path: Path) -> NDArray[np.uint8]:
    """Reads a picture as a run does."""
    (item,) = inputs(path)
    return item.read()


def with_pillow(path: Path) -> NDArray[np.uint8]:
    """Reads a picture with Pillow alone."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


if __name__ == "__main__":
    main()

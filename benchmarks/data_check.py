"""`zoo data check` beside a bare decode of the same files, in as many processes.

    python benchmarks/data_check.py DATASET [--rounds 5]

The bare decode opens every picture and mask of the lists with Pillow and makes an array of it, in a pool of processes
that are there before the clock starts; the check starts its own. Both in turn, ratios round by round.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from pathlib import Path

import numpy as np
from machine import describe
from PIL import Image

from zoo.learn.dataset.dataset import read_contents
from zoo.learn.dataset.survey import survey_dataset


def decode(path: Path) -> int:
    """Decodes a file."""
    with Image.open(path) as picture:
        return int(np.asarray(picture).shape[0])


def main() -> None:
    """Prints both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    contents = read_contents(arguments.dataset)
    pairs = [pair for split in contents.splits.values() for pair in split]
    files = [path for pair in pairs for path in (pair.sample.image, pair.sample.mask)]
    rates: list[tuple[float, float]] = []
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        pool.map(decode, files, chunksize=8)
        for _ in range(arguments.rounds):
            began = time.perf_counter()
            pool.map(decode, files, chunksize=8)
            between = time.perf_counter()
            survey_dataset(arguments.dataset)
            rates.append((len(pairs) / (between - began), len(pairs) / (time.perf_counter() - between)))
    bare, check = (statistics.median(side) for side in zip(*rates, strict=True))
    ratio = statistics.median(check / bare for bare, check in rates)
    print(describe())
    print(f"{len(pairs)} pictures with masks: bare decode {bare:.0f} a second, zoo data check {check:.0f}: {ratio:.2f}")


if __name__ == "__main__":
    main()

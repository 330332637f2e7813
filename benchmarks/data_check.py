"""`zoo data check` beside a bare decode of the same files, in as many processes.

    python benchmarks/data_check.py DATASET [--rounds 5]

The bare decode opens every picture and mask of the lists with Pillow and makes an array of it, in a pool of processes:
once in one that is there before the clock starts, once in one that is started as the check starts its own. All in turn,
ratios round by round.
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
    spawned = multiprocessing.get_context("spawn").Pool
    processes = len(os.sched_getaffinity(0))
    times: list[tuple[float, float, float]] = []
    with spawned(processes) as pool:
        pool.map(decode, files, chunksize=8)
        for _ in range(arguments.rounds):
            began = time.perf_counter()
            pool.map(decode, files, chunksize=8)
            warm = time.perf_counter()
            with spawned(processes) as started:
                started.map(decode, files, chunksize=8)
            cold = time.perf_counter()
            survey_dataset(arguments.dataset)
            times.append((warm - began, cold - warm, time.perf_counter() - cold))
    print(describe("pillow"))
    check = statistics.median(checked for *_, checked in times)
    print(f"{len(pairs)} pictures with masks: zoo data check {len(pairs) / check:.0f} a second")
    for place, said in enumerate(("whose processes are there", "which starts its processes")):
        ratio = statistics.median(one[place] / one[2] for one in times)
        bare = statistics.median(one[place] for one in times)
        print(f"  bare decode {said}: {len(pairs) / bare:.0f} a second, the check is {ratio:.2f} of it")


if __name__ == "__main__":
    main()

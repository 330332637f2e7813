"""What an evaluation costs beyond the predictions it is made of. One JSON line; run by `evaluate.py` on each side.

    python benchmarks/evaluation_cost.py MODEL LIST BACKEND ROUNDS

Both run in turn in one process on the same pictures. Processor time is the figure to compare on a busy machine.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import zoo
from zoo.learn.data import read_list
from zoo.learn.evaluation import Confusion, evaluate


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Returns seconds and seconds of processor time."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def counting(height: int, width: int, classes: int = 19) -> float:
    """Returns the seconds that adding one picture to a confusion matrix takes, the best of twenty."""
    rng = np.random.default_rng(0)
    truth, predicted = (
        np.kron(rng.integers(0, classes, (height // 8, width // 8)), np.ones((8, 8), np.intp)).astype(np.uint8)
        for _ in range(2)
    )
    empty = Confusion.empty(classes)
    return min(timed(lambda: empty.add(truth, predicted, 255, 255))[0] for _ in range(20))


def main() -> None:
    """Measures and prints."""
    name, data, backend, rounds = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    samples = read_list(data)
    with zoo.load(name, backend=backend) as model:

        def predict() -> None:
            for _ in model.predict([sample.image for sample in samples]):
                pass

        evaluate(model, samples[:4])
        found = [(timed(lambda: evaluate(model, samples)), timed(predict)) for _ in range(rounds)]
        few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        evaluate(model, samples * 4)
        many = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ratios = [[one[which] / other[which] for one, other in found] for which in (0, 1)]
    more = statistics.median(1000 * (one[1] - other[1]) / len(samples) for one, other in found)
    print(
        json.dumps(
            {
                "seconds": statistics.median(ratios[0]),
                "cpu": statistics.median(ratios[1]),
                "more_ms": more,
                "count_ms": [1000 * counting(360, 480), 1000 * counting(1024, 2048)],
                "megabytes": [few / 1e3, many / 1e3],
            }
        )
    )


if __name__ == "__main__":
    main()

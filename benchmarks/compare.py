"""`zoo compare` of two models beside the two predictions that it is made of: how many times their time it takes.

    python benchmarks/compare.py [MODEL MODEL] [--pictures N] [--size H W] [--page] [--rounds 5] [--baseline PYTHON]

A model is a name, whose network gets random weights unless it is the starter, with its engine behind @. The pictures
are drawn scenes, of which at most twenty are different. Each round runs `zoo predict --save mask` for either model and
`zoo compare` for both, in turn, so that what else the machine does meets all of them. Told are the medians of the
seconds of the commands, start-up and loading included, and of the ratios of the rounds. Processor time can be compared
on a busy machine. With --page the comparison writes its page of 24 pictures too.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from beside import Side, export_random, parse, sides
from drawn import draw_scene
from PIL import Image

MODELS = ("starter", "starter@paddle")
SIZE = (360, 480)
SCENES, PICTURES = 20, 100


def draw(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Writes drawn scenes as JPEG files."""
    folder.mkdir()
    scenes = min(SCENES, count)
    for seed in range(scenes):
        Image.fromarray(draw_scene(seed, *size).image).save(folder / f"{seed}.jpg", quality=95)
    for number in range(scenes, count):
        shutil.copy(folder / f"{number % scenes}.jpg", folder / f"{number}.jpg")


def timed(side: Side, *words: str | Path) -> tuple[float, float]:
    """Runs a command; returns its seconds, and those of the processor with all its children."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    side.run("-m", "zoo", "--quiet", *words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="zoo compare beside two predictions")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL", help="two of them")
    parser.add_argument("--pictures", type=int, default=PICTURES, metavar="N", help="how many (default: 100)")
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, metavar=("H", "W"), help="size of the scenes")
    parser.add_argument("--page", action="store_true", help="let the comparison write its page")
    arguments = parse(parser, rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        pictures = scratch / "pictures"
        draw(pictures, arguments.pictures, tuple(arguments.size))
        found = sides(arguments.baseline, scratch)
        models: list[tuple[str, str]] = []
        for word in arguments.models:
            name, _, engine = word.partition("@")
            models.append((name if name == "starter" else str(export_random(name, scratch)), engine or "auto"))
        (first, second) = models
        page = ("-o", scratch / "page.html") if arguments.page else ()
        contenders = [model if engine == "auto" else f"{model}@{engine}" for model, engine in (first, second)]
        height, width = arguments.size
        print(f"{arguments.pictures} drawn pictures of {height}x{width}; {' and '.join(arguments.models)}")

        def predict(side: Side, model: str, engine: str) -> tuple[float, float]:
            out = scratch / "out"
            try:
                words = ("--model", model, "--backend", engine, "--save", "mask", "--save-path", out)
                return timed(side, "predict", pictures, *words)
            finally:
                shutil.rmtree(out, ignore_errors=True)

        for side in found:
            # Fills the caches, and tries the engines.
            predict(side, *first)
            predict(side, *second)
        rounds: dict[str, list[tuple[float, ...]]] = {side.name: [] for side in found}
        for _ in range(arguments.rounds):
            for side in found:
                one, other = predict(side, *first), predict(side, *second)
                both = timed(side, "compare", *contenders, "--images", pictures, *page)
                rounds[side.name].append((one[0] + other[0], both[0], one[1] + other[1], both[1]))
        for side in found:
            told = [statistics.median(column) for column in zip(*rounds[side.name], strict=True)]
            ratios = [
                statistics.median(each)
                for each in zip(*((b / a, d / c) for a, b, c, d in rounds[side.name]), strict=True)
            ]
            print(
                f"  {side.name:<9}two predictions {told[0]:.2f} s, compare {told[1]:.2f} s: {ratios[0]:.2f} times; "
                f"processor {told[2]:.2f} s, {told[3]:.2f} s: {ratios[1]:.2f} times",
                flush=True,
            )


if __name__ == "__main__":
    main()

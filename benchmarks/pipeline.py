"""A folder of JPEG pictures to a folder of PNG masks: the whole run against the engine alone.

    python benchmarks/pipeline.py [--pictures 200] [--rounds 3] [--paddlex PYTHON]

200 drawn streets of 512x1024 go through PP-LiteSeg-T (random weights; the work is the same) and the starter model.
"Whole run" is what `zoo predict FOLDER --save mask` does: decode, preprocess, engine, label map, PNG, in threads around
the engine. The engine alone, with all threads, gets pictures that are decoded, or even preprocessed. With --paddlex,
the Python of an environment with PaddleX (`make interop` makes .venv-interop), the same pictures go through PaddleX
too, with its bundle of the same network and its own number of threads or zoo's; reading the model is not counted. All
are measured in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from PIL import Image

import zoo
from zoo.segment.transforms import preprocess

#: Threads of zoo's engines.
CORES = len(os.sched_getaffinity(0))
PADDLEX_SIDE = Path(__file__).with_name("pipeline_paddlex.py")


def draw(folder: Path, count: int) -> list[Path]:
    """Writes drawn streets as JPEG; twenty different ones are enough."""
    scenes = [Image.fromarray(draw_scene(seed, 512, 1024).image) for seed in range(min(20, count))]
    paths = [folder / f"{number:04d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        scenes[number % len(scenes)].save(path, quality=90)
    return paths


def export_liteseg(folder: Path, compat: str) -> Path:
    """Exports PP-LiteSeg-T with random weights."""
    import paddle

    from zoo.learn.export import export_bundle
    from zoo.learn.networks import build_network
    from zoo.registry import find_model

    paddle.seed(0)
    card = find_model("PP-LiteSeg-T").card
    export_bundle(
        build_network(card.name),
        folder,
        model=card.name,
        labels=card.labels,
        preprocess=card.preprocess,
        output_stride=card.output_stride,
        compat="paddlex" if compat == "paddlex" else "zoo",
    )
    return folder


def whole_run(model: zoo.Model, pictures: Path, out: Path) -> float:
    """Returns pictures a second of the whole run."""
    began = time.perf_counter()
    predictions = model.predict(pictures)
    count = len(predictions.save_to_img(out, kind="mask"))
    return count / (time.perf_counter() - began)


def engine_alone(model: zoo.Model, images: list[np.ndarray], count: int, prepared: bool) -> float:
    """Returns pictures a second of the engine with all threads, on decoded pictures or on its own input."""
    steps = model.bundle.preprocess
    tensors = [preprocess(image, steps)[0][np.newaxis] for image in images]
    began = time.perf_counter()
    for number in range(count):
        place = number % len(images)
        batch = tensors[place] if prepared else preprocess(images[place], steps)[0][np.newaxis]
        model._engine.submit(batch).result()
    return count / (time.perf_counter() - began)


def measure(
    name: str,
    folder: str | Path,
    place: Path,
    pictures: list[Path],
    rounds: int,
    others: Mapping[str, Callable[[], float]],
) -> None:
    """Prints a line for the engine alone, the whole run, and every other program on the same pictures, round by round.

    Args:
        name: What the table calls the model.
        folder: A model or its folder.
        place: Where results go.
        pictures: The pictures, all in `place / "in"`.
        rounds: How often everything runs in turn.
        others: Other programs, which return pictures a second of a whole run.
    """
    images = [np.asarray(Image.open(path)) for path in pictures[:20]]
    alone = {"engine, decoded arrays": False, "engine, its own input": True}
    rates: dict[str, list[float]] = {title: [] for title in (*alone, "whole run", *others)}
    with zoo.load(folder) as model:
        model.predict(images[0]).one()
        for number in range(rounds):
            rates["whole run"].append(whole_run(model, place / "in", place / f"out-{name}-{number}"))
            for title, prepared in alone.items():
                rates[title].append(engine_alone(model, images, len(pictures), prepared))
            for title, run in others.items():
                rates[title].append(run())
        print(f"{name}; {model.engine}")
    for title, found in rates.items():
        ratios = [mine / other for mine, other in zip(rates["whole run"], found, strict=True)]
        print(
            f"  {title:<28}{statistics.median(found):7.2f} pictures/s"
            f"   whole run / this: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
            flush=True,
        )


def run_paddlex(python: str, folder: Path, pictures: Path, threads: int | None) -> float:
    """Returns what PaddleX reaches, in a process of its own that has the model loaded before it measures."""
    environment = dict(os.environ) | ({} if threads is None else {"PADDLE_PDX_CPU_NUM_THREADS": str(threads)})
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [python, str(PADDLEX_SIDE), str(folder), str(pictures), out],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"PaddleX failed: {done.stderr[-1000:]}")
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="a folder of pictures to a folder of masks")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paddlex", help="Python of an environment with PaddleX")
    arguments = parser.parse_args()
    print(describe("paddlepaddle", "numpy", "pillow"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "in").mkdir()
        pictures = draw(place / "in", arguments.pictures)
        bundle = export_liteseg(place / "liteseg", "zoo")
        measure("starter", "starter", place, pictures, arguments.rounds, {})
        others: dict[str, Callable[[], float]] = {}
        if arguments.paddlex:
            theirs = export_liteseg(place / "paddlex", "paddlex")
            for title, threads in (("PaddleX, its 10 threads", None), (f"PaddleX, {CORES} threads", CORES)):
                others[title] = partial(run_paddlex, arguments.paddlex, theirs, place / "in", threads)
        measure("PP-LiteSeg-T", bundle, place, pictures, arguments.rounds, others)


if __name__ == "__main__":
    main()

"""A folder of JPEG pictures to a folder of PNG masks, by every engine, and by PaddleX.

    python benchmarks/pipeline.py [MODEL ...] [--pictures 60] [--rounds 3] [--paddlex PYTHON] [--alone]

Drawn streets of 512x1024 go through the models (random weights; the work is the same; the starter model is what it is).
"Whole run" is what `zoo predict FOLDER --save mask` does: decode, preprocess, engine, label map, PNG, in threads around
the engine. With --paddlex, the Python of an environment with PaddleX (`make interop` makes .venv-interop), the same
pictures go through PaddleX too, with its bundle of the same network and its own number of threads or zoo's; reading the
model is not counted. With --alone, the first engine also runs without what is around it: on pictures that are decoded,
or even preprocessed. All are measured in turn; ratios are over the rate of the line they stand in.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from PIL import Image

import zoo
from zoo.segment.transforms import preprocess

MODELS = ("starter", "PP-LiteSeg-T", "SeaFormer_tiny", "SegFormer-B0", "OCRNet_HRNet-W18", "Deeplabv3_Plus-R50")
ENGINES = ("openvino", "onnxruntime", "paddle")
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


def export(name: str, folder: Path, compat: str) -> Path:
    """Exports a network with random weights."""
    import paddle

    from zoo.learn.export import export_bundle
    from zoo.learn.networks import build_network
    from zoo.registry import find_model

    paddle.seed(0)
    card = find_model(name).card
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


def measure(name: str, place: Path, pictures: list[Path], rounds: int, paddlex: str | None, alone: bool) -> None:
    """Prints a line for every engine, and every other program, on the same pictures, round by round."""
    images = [np.asarray(Image.open(path)) for path in pictures[:20]]
    folder = "starter" if name == "starter" else export(name, place / name / "zoo", "zoo")
    runs: dict[str, Callable[[], float]] = {}
    with ExitStack() as opened:
        for engine in ENGINES:
            model = opened.enter_context(zoo.load(folder, backend=engine))
            list(model.predict(images[:4]))
            runs[engine] = partial(whole_run, model, place / "in", place / name / engine)
            if alone and engine == ENGINES[0]:
                for title, prepared in (("decoded arrays", False), ("its own input", True)):
                    runs[f"{engine} alone, {title}"] = partial(engine_alone, model, images, len(pictures), prepared)
        if paddlex and name != "starter":
            theirs = export(name, place / name / "paddlex", "paddlex")
            for title, threads in (("PaddleX, its 10 threads", None), (f"PaddleX, {CORES} threads", CORES)):
                runs[title] = partial(run_paddlex, paddlex, name, theirs, place / "in", threads)
        rates: dict[str, list[float]] = {title: [] for title in runs}
        for _ in range(rounds):
            for title, run in runs.items():
                rates[title].append(run())
    print(f"{name}, {len(pictures)} pictures")
    for title, found in rates.items():
        ratios = {
            engine: [mine / other for mine, other in zip(rates[engine], found, strict=True)] for engine in ENGINES
        }
        print(
            f"  {title:<28}{statistics.median(found):7.2f} pictures/s  "
            + "  ".join(
                f"{engine} {statistics.median(ratio):.2f} ({min(ratio):.2f}-{max(ratio):.2f})"
                for engine, ratio in ratios.items()
            ),
            flush=True,
        )


def run_paddlex(python: str, name: str, folder: Path, pictures: Path, threads: int | None) -> float:
    """Returns what PaddleX reaches, in a process of its own that has the model loaded before it measures."""
    environment = dict(os.environ) | ({} if threads is None else {"PADDLE_PDX_CPU_NUM_THREADS": str(threads)})
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [python, str(PADDLEX_SIDE), name, str(folder), str(pictures), out],
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
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paddlex", help="Python of an environment with PaddleX")
    parser.add_argument("--alone", action="store_true", help="also the first engine alone")
    arguments = parser.parse_args()
    print(describe("paddlepaddle", "openvino", "onnxruntime", "numpy", "pillow"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "in").mkdir()
        pictures = draw(place / "in", arguments.pictures)
        for name in arguments.models:
            measure(name, place, pictures, arguments.rounds, arguments.paddlex, arguments.alone)


if __name__ == "__main__":
    main()

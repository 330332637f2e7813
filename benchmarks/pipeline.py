"""A folder of JPEG pictures to a folder of PNG masks: the whole run against the engine alone.

    python benchmarks/pipeline.py [--pictures 200] [--rounds 3] [--paddlex PYTHON]

200 drawn streets of 512x1024 go through PP-LiteSeg-T (random weights; the work is the same) and the starter model.
"Whole run" is what `zoo predict FOLDER --save mask` does: decode, preprocess, engine, label map, PNG, in threads around
the engine. "Engine alone" is the engine on inputs that are in memory. Both are measured in turn. With --paddlex,
the Python of an environment with PaddleX (`make interop` makes .venv-interop), the same run goes through PaddleX too.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe
from PIL import Image

import zoo
from zoo.flow import ahead
from zoo.testing.scenes import draw_scene
from zoo.vision.transforms import preprocess

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

    from zoo.export import export_bundle
    from zoo.networks import build_network
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


def whole_run(model: zoo.Model, pictures: Path, out: Path, batch_size: int) -> float:
    """Returns pictures a second of the whole run."""
    began = time.perf_counter()
    count = 0
    predictions = model.predict(pictures, batch_size)
    for _ in ahead(predictions, lambda result: result.save_to_img(out, kind="mask"), waiting=4):
        count += 1
    return count / (time.perf_counter() - began)


def engine_alone(model: zoo.Model, images: list[np.ndarray], count: int, batch_size: int) -> float:
    """Returns pictures a second of the engine."""
    tensors = [preprocess(image, model.bundle.preprocess)[0] for image in images]
    batches = [np.stack([tensors[(i + k) % len(tensors)] for k in range(batch_size)]) for i in range(len(tensors))]
    began = time.perf_counter()
    for number in range(count // batch_size):
        model._session.run(batches[number % len(batches)])
    return count / (time.perf_counter() - began)


def measure(name: str, folder: str | Path, place: Path, pictures: list[Path], rounds: int, batch_size: int) -> None:
    """Prints one line of the table."""
    images = [np.asarray(Image.open(path)) for path in pictures[:20]]
    with zoo.load(folder) as model:
        model.predict(images[0]).one()
        whole: list[float] = []
        alone: list[float] = []
        for number in range(rounds):
            out = place / f"out-{name}-{batch_size}-{number}"
            whole.append(whole_run(model, place / "in", out, batch_size))
            alone.append(engine_alone(model, images, len(pictures), batch_size))
        ratios = [a / b for a, b in zip(whole, alone, strict=True)]
        print(
            f"{name:<14} batch {batch_size}  whole run {statistics.median(whole):6.2f} pictures/s   "
            f"engine alone {statistics.median(alone):6.2f}   ratio {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f})   {model.engine}"
        )


def measure_paddlex(python: str, folder: Path, place: Path) -> None:
    """Prints what PaddleX takes for the same folder and bundle."""
    done = subprocess.run(
        [python, str(PADDLEX_SIDE), str(folder), str(place / "in"), str(place / "out-paddlex")],
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"PaddleX        {done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stderr[-300:]}")


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
        measure("starter", "starter", place, pictures, arguments.rounds, 1)
        measure("PP-LiteSeg-T", bundle, place, pictures, arguments.rounds, 1)
        if arguments.paddlex:
            measure_paddlex(arguments.paddlex, export_liteseg(place / "paddlex", "paddlex"), place)


if __name__ == "__main__":
    main()

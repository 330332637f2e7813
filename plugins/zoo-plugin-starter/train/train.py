"""Trains the starter model on CamVid and on street scenes drawn by zoo.

    python plugins/zoo-plugin-starter/train/train.py --camvid CAMVID_FOLDER --output RUN_FOLDER

The run is continued when RUN_FOLDER holds a checkpoint. `export.py` beside this file turns the result into the bundle
inside the wheel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import paddle
from PIL import Image

from scenes import draw_scene
from starter import LABELS, NORMALIZE, RECIPE, build_network
from zoo.learn.data import Sample, read_list
from zoo.learn.training import Progress, train

SCENES = 320
# Every fourth picture is a drawn one: they bring exact masks and more of the rare classes.
CAMVID_REPEATS = 3


def main() -> None:
    """Reads the arguments and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", type=Path, required=True, help="folder with train.txt, images/ and annotations/")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    arguments = parser.parse_args()
    paddle.seed(0)
    samples = read_list(arguments.camvid / "train.txt") * CAMVID_REPEATS + draw_samples(arguments.output / "scenes")
    train(
        build_network(),
        samples,
        RECIPE,
        arguments.output,
        normalize=NORMALIZE,
        ignore_index=LABELS.ignore_index,
        checkpoint_every=200,
        report_every=20,
        report=show,
        identity={"model": "starter", "classes": len(LABELS), "samples": len(samples)},
    )


def draw_samples(folder: Path) -> tuple[Sample, ...]:
    """Draws the scenes into a folder, once, and returns them as samples."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(
        Sample(folder / f"{seed:04d}.jpg", folder / f"{seed:04d}.png") for seed in range(1000, 1000 + SCENES)
    )
    for seed, sample in enumerate(samples, 1000):
        if not sample.mask.is_file():
            scene = draw_scene(seed)
            Image.fromarray(scene.image).save(sample.image, quality=95, subsampling=0)
            Image.fromarray(scene.mask).save(sample.mask)
    return samples


def show(progress: Progress) -> None:
    """Prints one line."""
    print(
        f"iteration {progress.iteration} of {RECIPE.iterations}  loss {progress.loss:.4f}  "
        f"rate {progress.learning_rate:.2e}  {progress.seconds_per_picture:.3f} s a picture",
        flush=True,
    )


if __name__ == "__main__":
    main()

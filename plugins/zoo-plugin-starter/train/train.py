"""Trains the starter model on CamVid and on street scenes drawn by zoo, from random weights: its first stage.

    python plugins/zoo-plugin-starter/train/train.py --camvid CAMVID_FOLDER --output RUN_FOLDER

The run is continued when RUN_FOLDER holds a checkpoint. It leaves the weights that the second stage, `zoo train
starter`, begins with: RUN_FOLDER/first.safetensors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import paddle
from PIL import Image
from safetensors.numpy import save

import zoo
from scenes import draw_scene
from zoo.learn.data import Sample, read_list
from zoo.learn.training import Progress, train
from zoo.plugin import CAMVID, AdamW, Augmentation, CrossEntropy, Normalize, PolynomialDecay, Recipe
from zoo_plugin_starter.recipe import WEIGHTS

SCENES = 320
# Every fourth picture is a drawn one: they bring exact masks and more of the rare classes.
CAMVID_REPEATS = 3
AUXILIARY = CrossEntropy(0.4, WEIGHTS, stride=0)
RECIPE = Recipe(
    iterations=3200,
    batch_size=8,
    crop=(320, 320),
    optimizer=AdamW(weight_decay=0.02),
    schedule=PolynomialDecay(0.002, power=0.9, warmup_iterations=100),
    losses=(CrossEntropy(class_weights=WEIGHTS), AUXILIARY, AUXILIARY),
    augmentation=Augmentation(scale=(0.6, 2.0), brightness=0.4, contrast=0.3, saturation=0.4),
    ema=0.995,
)


def main() -> None:
    """Reads the arguments and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", type=Path, required=True, help="folder with train.txt, images/ and annotations/")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    arguments = parser.parse_args()
    paddle.seed(0)
    samples = read_list(arguments.camvid / "train.txt") * CAMVID_REPEATS + draw_samples(arguments.output / "scenes")
    trained = train(
        zoo.build_network("starter"),
        samples,
        RECIPE,
        arguments.output,
        normalize=Normalize(),
        ignore_index=CAMVID.ignore_index,
        checkpoint_every=200,
        report_every=20,
        report=show,
        identity={"model": "starter", "classes": len(CAMVID), "samples": len(samples)},
    )
    (arguments.output / "first.safetensors").write_bytes(save(trained.average))


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

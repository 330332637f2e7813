"""zoo's trainer beside the functions of paddleseg 2.8.0: the same pictures, network and weights, the same losses.

    make train-parity [CAMVID=FOLDER]
    python tests/parity/train.py --camvid FOLDER [--steps 50]

Runs in the environment of run.py beside this file. Pictures of CamVid's train list, cut to a size that neither side
pads, go through both trainers in the same order without any random change: zoo's `zoo.learn.training.train`, and a loop
of paddleseg's dataset, transforms, network, loss and `loss_computation`, with paddle's optimizer and schedule as
paddleseg's configurations name them. Both networks begin with the same drawn weights and drop nothing. Ends with 1
where two losses differ by more than 1e-3.

The network is SegFormer-B0. PP-LiteSeg would tell nothing: it normalizes the pooled picture over a batch, four values a
channel, and a loss that is larger by 1e-5 makes the loss of the fifth step another by 1.5e-2, in either trainer alone.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import os
import platform
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.contract.recipe import AdamW, Augmentation, CrossEntropy, PolynomialDecay, Recipe
from zoo.learn.checkpoint import apply_weights
from zoo.learn.data import Sample, read_list
from zoo.learn.examples import Examples
from zoo.learn.networks import build_network
from zoo.learn.training import Progress, train
from zoo.plugin import Normalize

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import paddle
    from paddle import nn
    from paddleseg import transforms
    from paddleseg.core.train import loss_computation
    from paddleseg.datasets import Dataset
    from paddleseg.models import MixVisionTransformer_B0, SegFormer
    from paddleseg.models.losses import OhemCrossEntropyLoss

MODEL, CLASSES, SIZE, PICTURES, BATCH = "SegFormer-B0", 11, (256, 320), 16, 4
RATE, DECAY = 6e-5, 0.01
LARGEST_DIFFERENCE = 1e-3
#: From the first loss to the last; else the trainers would agree in learning nothing.
LEAST_LEARNED = 0.2
TIME_LIMIT = 40 * 60


def main() -> int:
    """Trains twice and prints the losses side by side."""
    parser = argparse.ArgumentParser(description="compares zoo's trainer with the functions of paddleseg 2.8.0")
    parser.add_argument("--camvid", type=Path, required=True, help="folder with train.txt, images/ and annotations/")
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message=r"\s*Non compatible API")
    faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
    versions = ", ".join(f"{name} {version(name)}" for name in ("paddleseg", "paddlepaddle", "numpy", "zoo-core"))
    print(f"{versions}; Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    paddle.seed(0)
    weights = {name: value.numpy().copy() for name, value in build_network(MODEL, CLASSES).state_dict().items()}
    recipe = Recipe(
        iterations=arguments.steps,
        batch_size=BATCH,
        crop=SIZE,
        optimizer=AdamW(weight_decay=DECAY),
        schedule=PolynomialDecay(RATE, power=1.0),
        losses=(CrossEntropy(),),
        augmentation=Augmentation(scale=(1.0, 1.0), flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0),
    )
    with tempfile.TemporaryDirectory() as place:
        samples = cut(arguments.camvid, Path(place))
        ours = zoo_losses(recipe, samples, weights, Path(place, "run"))
        examples = Examples(samples, recipe, Normalize(), 255, 0, 0, None)
        order = [sample for step in range(arguments.steps) for sample in examples.samples(step)]
        theirs = paddleseg_losses(arguments.steps, order, weights, Path(place))
    largest = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    for step in (*range(0, arguments.steps - 1, 7), arguments.steps - 1):
        print(f"step {step + 1:>2}  zoo {ours[step]:.6f}  paddleseg {theirs[step]:.6f}")
    learned = ours[0] - ours[-1]
    kept = largest <= LARGEST_DIFFERENCE and learned >= LEAST_LEARNED
    print(
        f"largest difference of {arguments.steps} losses {largest:.2e} (bound {LARGEST_DIFFERENCE:g}), "
        f"learned {learned:.3f}"
    )
    return 0 if kept else 1


def cut(camvid: Path, place: Path) -> list[Sample]:
    """Writes the subset: every twentieth picture of the train list, without its last rows."""
    rows: list[str] = []
    for number, sample in enumerate(read_list(camvid / "train.txt")[::20][:PICTURES]):
        image, mask = sample.load()
        Image.fromarray(image[: SIZE[0], : SIZE[1]]).save(place / f"{number}.png")
        Image.fromarray(mask[: SIZE[0], : SIZE[1]]).save(place / f"{number}_mask.png")
        rows.append(f"{number}.png {number}_mask.png\n")
    (place / "train.txt").write_text("".join(rows))
    return read_list(place / "train.txt")


def zoo_losses(recipe: Recipe, samples: list[Sample], weights: dict[str, np.ndarray], run: Path) -> list[float]:
    """Returns the loss of every step of zoo's trainer."""
    network = without_drops(build_network(MODEL, CLASSES, weights=weights))
    losses: list[float] = []

    def report(progress: Progress) -> None:
        losses.append(progress.loss)

    train(network, samples, recipe, run, report_every=1, report=report, workers=0)
    return losses


def without_drops(network: nn.Layer) -> nn.Layer:
    """Sets the probability of everything that is dropped at random to 0: the trainers draw other numbers."""
    for layer in network.sublayers():
        for name in ("p", "_rate", "drop_prob"):
            if hasattr(layer, name):
                setattr(layer, name, 0.0)
    return network


def paddleseg_losses(steps: int, order: list[Sample], weights: dict[str, np.ndarray], place: Path) -> list[float]:
    """Returns the loss of every step of a loop of paddleseg's functions."""
    (place / "order.txt").write_text("".join(f"{sample.image.name} {sample.mask.name}\n" for sample in order))
    with contextlib.redirect_stdout(io.StringIO()):
        data = Dataset(
            transforms=[transforms.Normalize(mean=[0.5] * 3, std=[0.5] * 3)],
            dataset_root=str(place),
            num_classes=CLASSES,
            mode="train",
            train_path=str(place / "order.txt"),
        )
        network = without_drops(SegFormer(CLASSES, MixVisionTransformer_B0(), embedding_dim=256))
    apply_weights(network, weights, source="the drawn weights")
    network.train()
    schedule = paddle.optimizer.lr.PolynomialDecay(RATE, steps, end_lr=0.0, power=1.0)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=network.parameters(), weight_decay=DECAY)
    # Of all pixels it is the mean cross entropy of those that count. paddleseg's CrossEntropyLoss, and this one of
    # fewer pixels, combine float32 with int64, which is a TypeError under paddle 3.2.2.
    every = BATCH * SIZE[0] * SIZE[1]
    settings = {"types": [OhemCrossEntropyLoss(min_kept=every, ignore_index=255)], "coef": [1.0]}
    losses: list[float] = []
    for step in range(steps):
        batch = [data[number] for number in range(step * BATCH, (step + 1) * BATCH)]
        images = paddle.to_tensor(np.stack([one["img"] for one in batch]))
        masks = paddle.to_tensor(np.stack([one["label"] for one in batch]).astype(np.int64))
        loss = sum(loss_computation(logits_list=network(images), labels=masks, edges=None, losses=settings))
        loss.backward()
        losses.append(float(loss))
        optimizer.step()
        schedule.step()
        optimizer.clear_grad()
    return losses


if __name__ == "__main__":
    sys.exit(main())

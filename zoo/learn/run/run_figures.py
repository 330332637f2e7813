"""The pictures and tables of a run: what it learns from, how it goes, and what its best checkpoint does.

metrics.csv             loss, rate, mIoU, accuracy and IoU of each class, a row an iteration
confusion.csv           pixels of the best checkpoint, a row a true class
plots/classes.png       pixels of each class
plots/train_batch.jpg   the first batch, as the network gets it, with its masks
plots/curves.png        loss, learning rate and mIoU
plots/validation.jpg    validation pictures under their masks, and below them under those of the best checkpoint
plots/confusion.png, plots/iou.png
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import ensure_folder, write_atomic
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Normalize
from zoo.learn.evaluation import Confusion
from zoo.learn.report.bars import class_bars
from zoo.learn.report.curves import curves
from zoo.learn.report.matrix import matrix_picture
from zoo.learn.report.overlays import jpeg, sheet, small_overlay
from zoo.learn.run.run_folder import RunFolder

#: Pictures of a sheet, and on how many sides pixels each.
SHOWN = 8
_LONGEST = 320
_PLOTS = "plots"
CLASSES, BATCH, CURVES, VALIDATION, CONFUSION, IOU = (
    f"{_PLOTS}/{name}"
    for name in ("classes.png", "train_batch.jpg", "curves.png", "validation.jpg", "confusion.png", "iou.png")
)
#: A picture, its mask and what the network makes of it, each (H, W, ...).
Compared = tuple[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]]


def draw_classes(folder: RunFolder, labels: LabelSet, pixels: Sequence[int]) -> None:
    """Draws the share of each class among the pixels that a run learns from."""
    shares = np.asarray(pixels) / max(sum(pixels), 1)
    bars = {number: (float(share), f"{100 * share:.2f}%") for number, share in enumerate(shares)}
    _write(folder, CLASSES, class_bars(labels, {"train": bars}))


def draw_batch(
    folder: RunFolder,
    labels: LabelSet,
    normalize: Normalize,
    examples: Iterable[tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16]]],
) -> None:
    """Draws what the network gets: inputs (3, h, w) as pictures again, under their masks."""
    mean, std = (np.asarray(part, np.float32)[:, None, None] for part in (normalize.mean, normalize.std))
    tiles = [
        small_overlay(
            np.rint((255 * (tensor * std + mean)).clip(0, 255)).astype(np.uint8).transpose(1, 2, 0),
            mask,
            labels,
            _LONGEST,
        )
        for tensor, mask in examples
    ]
    across = -(-len(tiles) // 2)
    _write(folder, BATCH, jpeg(sheet([row for row in (tiles[:across], tiles[across:]) if row])))


def draw_best(folder: RunFolder, labels: LabelSet, confusion: Confusion, compared: Sequence[Compared]) -> None:
    """Draws what the best checkpoint does on the validation pictures."""
    iou = {
        number: (float(value), f"{100 * value:.2f}%")
        for number, value in enumerate(confusion.iou)
        if np.isfinite(value)
    }
    _write(folder, IOU, class_bars(labels, {"IoU": iou}))
    _write(folder, CONFUSION, matrix_picture(labels, confusion.counts))
    rows = [
        ["true", *labels.names],
        *([name, *row] for name, row in zip(labels.names, confusion.counts.tolist(), strict=True)),
    ]
    _write(folder, "confusion.csv", _csv(rows))
    # What does not count is left out of the prediction too: there it is neither right nor wrong.
    pairs = [
        (
            small_overlay(image, mask, labels, _LONGEST),
            small_overlay(image, np.where(mask == labels.ignore_index, mask, found), labels, _LONGEST),
        )
        for image, mask, found in compared
    ]
    halves = [pairs[: -(-len(pairs) // 2)], pairs[-(-len(pairs) // 2) :]]
    _write(
        folder, VALIDATION, jpeg(sheet([[pair[which] for pair in half] for half in halves if half for which in (0, 1)]))
    )


def draw_course(folder: RunFolder, labels: LabelSet) -> None:
    """Draws how a run goes, and writes it as a table."""
    log = folder.log()
    steps = [line for line in log if "loss" in line]
    measured = {line["iteration"]: line for line in log if "miou" in line}
    _write(
        folder,
        CURVES,
        curves(
            {
                "loss": [(line["iteration"], line["loss"]) for line in steps],
                "mIoU": [(iteration, line["miou"]) for iteration, line in measured.items()],
                "learning rate": [(line["iteration"], line["learning_rate"]) for line in steps],
            }
        ),
    )
    rows: list[list[Any]] = [
        ["iteration", "loss", "learning_rate", "mIoU", "accuracy", *(f"IoU {name}" for name in labels.names)]
    ]
    for line in steps:
        found = measured.get(line["iteration"])
        figures = [] if found is None else [found["miou"], found["accuracy"], *found["iou"]]
        rows.append([line["iteration"], line["loss"], line["learning_rate"], *figures])
    _write(folder, "metrics.csv", _csv(rows))


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write(folder: RunFolder, name: str, content: bytes) -> None:
    path = Path(folder.path, name)
    ensure_folder(path.parent)
    write_atomic(path, content)

"""An evaluation as plain data, for JSON, and the table of its pictures."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.learn.evaluation.outcome import Evaluation
from zoo.learn.evaluation.picture_sums import PictureFigures
from zoo.message import printable

#: Bars of the histogram of the pictures' mean IoU.
BARS = 20


def plain_figures(found: Evaluation) -> dict[str, Any]:
    """Returns all figures as fractions of 1; None for what nothing was counted for."""
    confusion = found.confusion
    figures: dict[str, Any] = {
        "mIoU": fraction(confusion.miou),
        "accuracy": fraction(confusion.accuracy),
        "mean_accuracy": fraction(confusion.mean_accuracy),
        "mean_Dice": fraction(confusion.mean_dice),
        "frequency_weighted_IoU": fraction(confusion.frequency_weighted_iou),
        "kappa": fraction(confusion.kappa),
    }
    columns = {
        "IoU": confusion.iou,
        "accuracy": confusion.recall,
        "precision": confusion.precision,
        "Dice": confusion.dice,
    }
    if found.boundary is not None:
        figures["boundary_mIoU"] = fraction(found.boundary.miou)
        columns["boundary_IoU"] = found.boundary.iou
    if found.reliability is not None:
        figures["calibration_error"] = fraction(found.reliability.error)
    figures["IoU"] = [
        {"class": name, **{column: fraction(values[number]) for column, values in columns.items()}, "pixels": pixels}
        for number, (name, pixels) in enumerate(zip(found.classes.names, confusion.true.tolist(), strict=True))
    ]
    figures["confusion"] = {"counts": confusion.counts.tolist(), "unknown": confusion.unknown.tolist()}
    if found.reliability is not None:
        bins = zip(found.reliability.pixels.tolist(), found.reliability.accuracy, found.reliability.score, strict=True)
        figures["calibration"] = [
            {"pixels": pixels, "accuracy": fraction(accuracy), "score": fraction(score)}
            for pixels, accuracy, score in bins
        ]
    figures["histogram"] = histogram_of(found).tolist()
    figures["worst"] = [str(one.image) for one in found.worst]
    figures["per_picture"] = [_picture(one) for one in found.pictures]
    figures["not_counted"] = [{"value": value, "share": fraction(share)} for value, share in found.not_counted.items()]
    figures["never_true"] = list(found.never_true)
    figures["notes"] = [printable(said) for said in found.notes]
    figures["failures"] = [
        {"name": failure.name, "source": failure.uri, "error": failure.error.message} for failure in found.failures
    ]
    return figures


def picture_table(found: Evaluation) -> bytes:
    """Returns the figures of every picture as a CSV file; a figure of a picture without counted pixels is empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("image", "pixels", "mIoU", "accuracy"))
    table.writerows(_picture(one).values() for one in found.pictures)
    return text.getvalue().encode(errors="backslashreplace")


def histogram_of(found: Evaluation) -> NDArray[np.intp]:
    """Returns how many pictures have a mean IoU in each twentieth from 0 to 1, (20,)."""
    return np.histogram([one.miou for one in found.pictures if one.pixels], BARS, (0.0, 1.0))[0]


def fraction(value: float) -> float | None:
    """Returns a figure as JSON has it: there is no NaN in it."""
    return None if value != value else round(float(value), 6)


def _picture(one: PictureFigures) -> dict[str, Any]:
    return {
        "image": str(one.image),
        "pixels": one.pixels,
        "mIoU": fraction(one.miou),
        "accuracy": fraction(one.accuracy),
    }

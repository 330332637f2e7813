"""Evaluation of a loaded model on a list of samples."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.base.notebook import NotebookCount
from zoo.contract.labels import LabelMapping
from zoo.contract.spec import ValueRange
from zoo.errors import ConfigError, DatasetError, ZooError
from zoo.learn.data import Sample, TruthLabels, read_mask, read_truth
from zoo.learn.data.truth import NO_CLASS, value_table
from zoo.learn.evaluation.outcome import Evaluation
from zoo.learn.evaluation.picture_sums import PictureSums, Watch
from zoo.learn.evaluation.value_pairs import count_pairs
from zoo.message import Message, notes_in, printable
from zoo.picture.image import read_orientation, read_picture
from zoo.picture.rgb import Picture
from zoo.picture.sources import Input
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.plan import make_plan
from zoo.results import Failure, Result

_LOG = logging.getLogger("zoo")

# From this EXIF orientation on height and width change places.
_FIRST_QUARTER = 5


def evaluate(
    model: Model,
    samples: Sequence[Sample],
    ignore_index: int | None = None,
    labels: LabelMapping | None = None,
    map_truth: bool = False,
    truth_labels: TruthLabels | None = None,
    report: Callable[[int], object] | None = None,
    boundary: bool = False,
    calibration: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Evaluation:
    """Counts how a model's masks, at the size of the pictures, agree with the true ones.

    Args:
        model: A loaded model.
        samples: Labelled pictures whose mask values are the model's classes, unless the next arguments say otherwise.
        ignore_index: Value, in the mask files, of pixels that do not count; by default 255, and 65535 in masks of 16
            bits, unless they are a class.
        labels: Other classes to bring the predictions to; then these are what is measured.
        map_truth: The masks hold the model's own classes and are brought to `labels` too. Otherwise they hold those of
            `labels` already.
        truth_labels: The masks hold other values and are first brought to the classes they should hold, such as those
            of *_labelIds.png to the 19 classes of Cityscapes; see `zoo.learn.data.read_truth`. The predictions are not
            changed by it. Pixels whose value it leaves out or does not know do not count.
        report: Receives the number of samples done after each; by default a line in a notebook, and nothing elsewhere.
        boundary: Count the pixels close to contours too, for boundary IoU.
        calibration: Compare the scores with how often they are right.
        watch: Is told of every picture that counts.
        options: How to predict: options of `Model.predict`, such as `mode`, `flip` or `scales`. With `on_error="skip"`
            samples that cannot be used are passed over and listed in the outcome's `failures`.

    Returns:
        The figures over all pictures together, those of each, and notes about their masks.

    Raises:
        ConfigError: `map_truth` without `labels`; a mapping starts from other classes than the model's; or
            `truth_labels` is not understood or ends in other classes than are compared.
        DatasetError: A sample cannot be used, or a mask has a value outside the classes that are measured.
        SourceError: A picture cannot be read.
    """
    if map_truth and labels is None:
        raise ConfigError(
            "The masks are to be brought to other classes (map_truth), and none are given.",
            "Give them with --labels, or leave --map-truth out.",
        )
    if calibration:
        options["scores"] = True
    run = RunOptions(labels=labels, **options)
    plan = make_plan(model.bundle, run)
    start = model.bundle.labels if map_truth else plan.labels
    truth = None if truth_labels is None else read_truth(truth_labels, start)
    table = value_table(len(start), len(plan.labels), ignore_index, truth, plan.mapping if map_truth else None)
    sums = PictureSums(plan.labels, table, boundary, calibration, watch)
    failures: list[Failure] = []
    orientations: dict[Path, int] = {}
    unsure: list[Path] = []
    told: dict[str, tuple[str, str, int]] = {}
    results, masks = (
        model.run((_input_of(sample, run.max_pixels, plan.value_range, orientations) for sample in samples), plan, run),
        ahead(samples, partial(_read, max_pixels=run.max_pixels)),
    )
    with closing(results), closing(masks), closing(NotebookCount(len(samples))) as count:
        for done, (sample, result, mask) in enumerate(zip(samples, results, masks, strict=True), 1):
            try:
                found, true = _usable(sample, result, mask)
                pairs = count_pairs(true, found.mask)
                _check_values(pairs.true[table[pairs.true] == NO_CLASS], sample, model, len(start))
                sums.add(sample.image, pairs, found, true)
                _count_notes(found, told)
                if _fits_both_ways(sample, orientations[sample.image], true.shape):
                    unsure.append(sample.image)
            except ZooError as error:
                if run.on_error == "raise":
                    raise
                failures.append(Failure(sample.image.stem, str(sample.image), error))
            (report or count)(done)
    if unsure:
        _LOG.warning(
            "pictures turned by an EXIF orientation that their masks lack, at a size that fits either way: %d, such as "
            "%s. If a mask was drawn on the picture as it is stored, turn it too.",
            len(unsure),
            printable(unsure[0]),
        )
    return Evaluation(
        plan.labels,
        sums.confusion,
        sums.pixels,
        table,
        tuple(failures),
        tuple(told.values()),
        tuple(sums.pictures),
        sums.boundary,
        sums.calibration,
    )


def _count_notes(result: Result, told: dict[str, tuple[str, str, int]]) -> None:
    """Counts what a result says of itself; texts of one template are of one kind."""
    for note in notes_in(result.note):
        kind = note.template if isinstance(note, Message) else note
        source, first, count = told.get(kind, (result.uri, note, 0))
        told[kind] = (source, first, count + 1)


def _input_of(sample: Sample, max_pixels: int | None, value_range: ValueRange, orientations: dict[Path, int]) -> Input:
    def load() -> Picture:
        picture = read_picture(sample.image, max_pixels, value_range)
        orientations[sample.image] = picture.orientation
        return picture

    return Input(sample.image.stem, os.path.abspath(sample.image), load)


def _fits_both_ways(sample: Sample, orientation: int, size: tuple[int, ...]) -> bool:
    """Whether a picture was turned and its mask was not, and the size does not tell how the mask was drawn."""
    quarter = orientation >= _FIRST_QUARTER
    return orientation != 1 and (not quarter or size[0] == size[1]) and read_orientation(sample.mask) == 1


def _read(sample: Sample, max_pixels: int | None) -> NDArray[np.uint8 | np.uint16] | DatasetError:
    try:
        return read_mask(sample.mask, max_pixels)
    except DatasetError as error:
        return error


def _usable(
    sample: Sample, result: Result | Failure, mask: NDArray[np.uint8 | np.uint16] | DatasetError
) -> tuple[Result, NDArray[np.uint8 | np.uint16]]:
    """Returns the result and the true mask, which are of one size."""
    if isinstance(result, Failure):
        raise result.error
    if isinstance(mask, DatasetError):
        raise mask
    sample.check_sizes(result.image, mask)
    return result, mask


def _check_values(wrong: NDArray[np.intp], sample: Sample, model: Model, count: int) -> None:
    if not wrong.size:
        return
    hint = Message(
        "Say which value is which class: --truth-labels VALUE=CLASS for each, or a file (for *_labelIds.png of "
        "Cityscapes: --truth-labels cityscapes-trainids). A value to leave out: --ignore-index VALUE"
    )
    if wrong.tolist() == [count]:
        hint = Message(
            "Its values fit classes that are counted from 1. If they are, and 0 is no class: --truth-labels from-one"
        )
    raise DatasetError(
        "The mask {mask} does not fit {model}: {values:, } is outside the {count} classes, 0 to {last}.",
        hint,
        mask=sample.mask,
        model=model.name,
        values=[*wrong[:5].tolist(), *(["..."] if wrong.size > 5 else [])],
        count=count,
        last=count - 1,
    )

"""Evaluation of a loaded model on a list of samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.flow import ahead
from zoo.contract.labels import LabelMapping, LabelSet
from zoo.errors import ConfigError, DatasetError
from zoo.learn.data import Sample, read_mask
from zoo.learn.evaluation.metrics import Confusion
from zoo.picture.image import read_image
from zoo.picture.levels import ValueRange
from zoo.picture.rgb import Picture
from zoo.picture.sources import Input
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.plan import make_plan
from zoo.results import Failure

# Of a pixel that does not count. A label set has at most 256 classes, so unlike the number the files have for it, this
# one is no class after a mapping.
_NOT_COUNTED = np.uint16(65535)


def evaluate(
    model: Model,
    samples: Sequence[Sample],
    ignore_index: int = 255,
    labels: LabelMapping | None = None,
    map_truth: bool = False,
    truth_labels: LabelMapping | None = None,
    **options: Any,
) -> Confusion:
    """Counts how a model's masks, at the size of the pictures, agree with the true ones.

    Args:
        model: A loaded model.
        samples: Labelled pictures whose mask values are the model's classes, unless the next arguments say otherwise.
        ignore_index: Value, in the mask files, of pixels that do not count.
        labels: Other classes to bring the predictions to; then these are what is measured.
        map_truth: The masks hold the model's own classes and are brought to `labels` too. Otherwise they hold those of
            `labels` already.
        truth_labels: The masks hold other values and are first brought to the classes they should hold, such as those
            of *_labelIds.png to the 19 classes of Cityscapes. The predictions are not changed by it. Pixels whose value
            it leaves out or does not know do not count.
        options: How to predict: options of `Model.predict`, such as `mode`, `flip` or `scales`. A picture that cannot
            be read ends the evaluation, whatever `on_error` says.

    Returns:
        The confusion matrix over all pictures together.

    Raises:
        ConfigError: A mapping starts from other classes than the model's, or `truth_labels` ends in other classes than
            are compared.
        DatasetError: A sample cannot be used, or a mask has a value outside the classes that are measured.
        SourceError: A picture cannot be read.
    """
    run = RunOptions(labels=labels, **options)
    plan = make_plan(model.bundle, run)
    own, classes = model.bundle.labels, plan.labels
    steps: list[LabelMapping] = []
    if truth_labels is not None:
        _check_end(truth_labels, own if map_truth else classes)
        steps.append(truth_labels)
    if plan.mapping is not None and map_truth:
        steps.append(plan.mapping)
    confusion = Confusion.empty(len(classes))
    results = model.run((_input_of(sample, run.value_range) for sample in samples), plan, run)
    truths = ahead(samples, lambda sample: read_mask(sample.mask))
    with closing(results), closing(truths):
        for sample, result, truth in zip(samples, results, truths, strict=True):
            if isinstance(result, Failure):
                raise result.error
            sample.check_sizes(result.image, truth)
            try:
                counted = _brought(truth, ignore_index, steps)
                confusion = confusion.add(counted, result.mask, int(_NOT_COUNTED), classes.ignore_index)
            except ValueError as error:
                raise DatasetError(
                    "The mask {mask} does not fit {model}, measured in {count} classes: {reason}.",
                    "Map its values to those classes (for *_labelIds.png of Cityscapes: --truth-labels "
                    "cityscapes-trainids), or mark pixels to leave out with {ignore_index}.",
                    mask=sample.mask,
                    model=model.name,
                    count=len(classes),
                    reason=error,
                    ignore_index=ignore_index,
                ) from error
    return confusion


def _input_of(sample: Sample, value_range: ValueRange) -> Input:
    return Input(
        sample.image.stem,
        os.path.abspath(sample.image),
        lambda: Picture(read_image(sample.image, value_range=value_range)),
    )


def _check_end(truth_labels: LabelMapping, expected: LabelSet) -> None:
    end = truth_labels.labels
    if end.names != expected.names:
        raise ConfigError(
            "The label mapping {truth_labels} brings the masks to the {count} classes of {end}. They are "
            "compared with others, the {expected_count} of {expected}.",
            "Use a mapping that ends in those, or bring the predictions to the classes of the masks with --labels.",
            truth_labels=truth_labels.name,
            count=len(end),
            end=end.name,
            expected_count=len(expected),
            expected=expected.name,
        )


def _brought(truth: NDArray[np.uint8], ignore_index: int, steps: Sequence[LabelMapping]) -> NDArray[np.uint16]:
    """Brings a mask to the classes that are measured."""
    brought = np.where(truth == ignore_index, _NOT_COUNTED, truth.astype(np.uint16))
    for step in steps:
        mapped = step.apply(brought).astype(np.uint16)
        # A class that the mapping leaves out is not measured.
        brought = np.where(mapped == step.labels.ignore_index, _NOT_COUNTED, mapped)
    return brought

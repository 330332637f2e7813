"""Evaluation of a loaded model on a list of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data import Sample
from zoo.errors import DatasetError
from zoo.evaluation.metrics import Confusion
from zoo.labels.mapping import LabelMapping
from zoo.model import Model


def evaluate(
    model: Model,
    samples: Sequence[Sample],
    ignore_index: int = 255,
    labels: LabelMapping | None = None,
    map_truth: bool = False,
    **options: Any,
) -> Confusion:
    """Counts how a model's masks, at the size of the pictures, agree with the true ones.

    Args:
        model: A loaded model.
        samples: Labelled pictures whose mask values are the model's classes.
        ignore_index: Mask value of pixels that do not count.
        labels: Other classes to bring the predictions to; then these are what is measured.
        map_truth: The masks hold the model's own classes and are brought to `labels` too. Otherwise they hold those of
            `labels` already.
        options: How to predict: options of `Model.predict`, such as `mode`, `flip` or `scales`.

    Returns:
        The confusion matrix over all pictures together.

    Raises:
        DatasetError: A sample cannot be used, or a mask has a value outside the model's classes.
        SourceError: A picture cannot be read.
    """
    classes = model.bundle.labels if labels is None else labels.labels
    confusion = Confusion.empty(len(classes))
    for sample in samples:
        image, truth = sample.load()
        predicted = model.predict(image, labels=labels, **options).one().mask
        try:
            if labels is not None and map_truth:
                kept = truth != ignore_index
                truth = np.where(kept, labels.apply(np.where(kept, truth, 0).astype(truth.dtype)), ignore_index)
                # A class that the mapping leaves out is not measured.
                truth = np.where(truth == classes.ignore_index, ignore_index, truth)
            confusion = confusion.add(truth, predicted, ignore_index, classes.ignore_index)
        except ValueError as error:
            raise DatasetError(
                f"The mask {sample.mask} does not fit {model.name}, measured in {len(classes)} classes: {error}.",
                f"Map its values to the classes of the model, or mark pixels to leave out with {ignore_index}.",
            ) from error
    return confusion

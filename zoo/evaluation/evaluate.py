"""Evaluation of a loaded model on a list of samples."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data import Sample
from zoo.errors import DatasetError
from zoo.evaluation.metrics import Confusion
from zoo.model import Model


def evaluate(model: Model, samples: Sequence[Sample], ignore_index: int = 255) -> Confusion:
    """Counts how a model's masks, at the size of the pictures, agree with the true ones.

    Args:
        model: A loaded model.
        samples: Labelled pictures whose mask values are the model's classes.
        ignore_index: Mask value of pixels that do not count.

    Returns:
        The confusion matrix over all pictures together.

    Raises:
        DatasetError: A sample cannot be used, or a mask has a value outside the model's classes.
        SourceError: A picture cannot be read.
    """
    confusion = Confusion.empty(len(model.labels))
    for sample in samples:
        image, truth = sample.load()
        predicted = model.predict(image).one().mask
        try:
            confusion = confusion.add(truth, predicted, ignore_index)
        except ValueError as error:
            raise DatasetError(
                f"The mask {sample.mask} does not fit {model.name}, which has {len(model.labels)} classes: {error}.",
                f"Map its values to the classes of the model, or mark pixels to leave out with {ignore_index}.",
            ) from error
    return confusion

"""Results made from results: pixels below a score become unknown, classes get other colours."""

from __future__ import annotations

import dataclasses

import numpy as np

from zoo.errors import OutputError
from zoo.results.palette import Palette, read_palette
from zoo.results.result import Result


def with_min_score(result: Result, min_score: float) -> Result:
    """Returns the result with the pixels below a score unknown: they get the ignore index of the label set. Where
    that is a class of its own, such as "unlabeled" of the Cityscapes ids, they get this class.

    Args:
        result: A result with scores.
        min_score: From 0 to 1; a pixel with exactly this score keeps its class.

    Returns:
        A new result. Its mask is uint16 where the ignore index asks for it. The scores stay as they are.

    Raises:
        OutputError: The result has no scores, the score is not within 0 to 1, or no mask can hold the ignore index.
    """
    if not 0.0 <= min_score <= 1.0:
        raise OutputError(
            "min_score is {value!r}. A number from 0 to 1 was expected.", "Use min_score=0.5", value=min_score
        )
    ignored = result.labels.ignore_index
    if not 0 <= ignored <= 65535:
        raise OutputError(
            "The ignore index of the label set {labels!r} is {ignored}. A mask holds values from 0 to 65535.",
            "Give the model's label set another ignore index.",
            labels=result.labels.name,
            ignored=ignored,
        )
    scores = result.require_scores()
    dtype = result.mask.dtype if ignored <= np.iinfo(result.mask.dtype).max else np.dtype(np.uint16)
    # In float32, where a score of 0.7 is equal to 0.7.
    mask = np.where(scores < np.float32(min_score), dtype.type(ignored), result.mask.astype(dtype, copy=False))
    return dataclasses.replace(result, mask=mask)


def with_palette(result: Result, palette: Palette) -> Result:
    """Returns the result with other colours.

    Args:
        result: Any result.
        palette: RGB colours of all classes in the order of their values, or colours by class name, as (r, g, b) or
            "#rrggbb"; classes that are not named keep theirs.

    Returns:
        A new result, which shares mask and picture with the given one.

    Raises:
        ConfigError: There is another number of colours, a name is no class, or a colour is none.
    """
    colors = read_palette(palette, result.labels)
    return dataclasses.replace(result, labels=dataclasses.replace(result.labels, palette=colors))

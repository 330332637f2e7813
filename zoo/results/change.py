"""Results made from results: pixels below a score become unknown, classes get other colours."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import LabelSet
from zoo.errors import OutputError
from zoo.results.drawing.palette import Palette, read_palette
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
    check_unknown(result.labels)
    mask = unknown_below(result.mask, result.require_scores(), min_score, result.labels)
    return dataclasses.replace(result, mask=mask)


def check_unknown(labels: LabelSet) -> None:
    """Makes sure that a mask can hold the ignore index of a label set.

    Raises:
        OutputError: It cannot.
    """
    if not 0 <= labels.ignore_index <= 65535:
        raise OutputError(
            "The ignore index of the label set {labels!r} is {ignored}. A mask holds values from 0 to 65535.",
            "Give the model's label set another ignore index.",
            labels=labels.name,
            ignored=labels.ignore_index,
        )


def unknown_below(
    mask: NDArray[np.uint8 | np.uint16], scores: NDArray[np.float32], min_score: float, labels: LabelSet
) -> NDArray[np.uint8 | np.uint16]:
    """Gives the pixels below a score the ignore index of their label set.

    Args:
        mask: Class values, (H, W) uint8 or uint16; not modified.
        scores: (H, W) float32.
        min_score: From 0 to 1; a pixel with exactly this score keeps its class.
        labels: The classes of the mask; a mask can hold their ignore index (`check_unknown`).

    Returns:
        A mask of the same type, or uint16 where the ignore index asks for it, whether or not a pixel has it.
    """
    # In float32, where a score of 0.7 is equal to 0.7.
    return made_unknown(mask, scores < np.float32(min_score), labels)


def made_unknown(
    mask: NDArray[np.uint8 | np.uint16], pixels: NDArray[np.bool_], labels: LabelSet
) -> NDArray[np.uint8 | np.uint16]:
    """Gives some pixels, (H, W), the ignore index of their label set; the rest is as in `unknown_below`."""
    unknown = labels.ignore_index
    dtype = mask.dtype if unknown <= np.iinfo(mask.dtype).max else np.dtype(np.uint16)
    return np.where(pixels, dtype.type(unknown), mask.astype(dtype, copy=False))


def with_palette(result: Result, palette: Palette) -> Result:
    """Returns the result with other colours.

    Args:
        result: Any result.
        palette: RGB colours of all classes in the order of their values, or colours by class name, as (r, g, b) or
            "#rrggbb"; classes that are not named keep theirs. Or "colorblind", colours that people with any kind of
            colour vision can tell apart.

    Returns:
        A new result, which shares mask and picture with the given one.

    Raises:
        ConfigError: There is another number of colours, a name is no class, or a colour is none.
    """
    colors = read_palette(palette, result.labels)
    return dataclasses.replace(result, labels=dataclasses.replace(result.labels, palette=colors))

"""What a program returned for one picture -> a label map at the size of the picture."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.errors import InferenceError
from zoo.message import Message
from zoo.segment.scores import score_kind, winning_scores
from zoo.segment.transforms import Geometry
from zoo.segment.upsample import resize_labels, resize_nearest, upsample_argmax

#: (H, W) class values.
LabelMap: TypeAlias = NDArray[np.uint8 | np.uint16]
#: (H, W) float32 probability of the winning class, where it was asked for.
Scores: TypeAlias = NDArray[np.float32] | None


def label_map(
    output: NDArray[Any], geometry: Geometry, bundle: Bundle, scores: bool = False
) -> tuple[LabelMap, Scores]:
    """Brings what a program returned for one picture to the size of the picture.

    Args:
        output: (C, h, w) logits or foreign scores; or labels, (H, W) or (1, H, W).
        geometry: How the picture lay in the input.
        bundle: Whose program it was.
        scores: Return the winning probabilities too.

    Returns:
        (H, W) labels, and (H, W) float32 scores or None.

    Raises:
        BundleError: Scores are asked for, and the bundle does not say what the values are.
        InferenceError: The output is neither what the bundle declares nor labels, or a value is NaN or infinite.
    """
    if bundle.output == "logits" or _holds_scores(output, bundle.output):
        return _best_classes(output.astype(np.float32, copy=False), geometry, bundle, scores)
    labels = resize_labels(_as_labels(output), geometry.padded)
    height, width = geometry.resized
    return resize_labels(labels[:height, :width], geometry.source), None


def _best_classes(
    values: NDArray[np.float32], geometry: Geometry, bundle: Bundle, scores: bool
) -> tuple[LabelMap, Scores]:
    kind = score_kind(bundle) if scores else "logits"
    if bundle.output == "logits":
        # Two bilinear coordinate maps in a row are one: no detour over the size of the input.
        size, reach = geometry.source, geometry.reach(values.shape[-2:])
        best = winning_scores(values, size, kind=kind, reach=reach) if scores else None
        return upsample_argmax(values, size, reach=reach), best
    # Other systems take the best class in each pixel of the input.
    height, width = geometry.resized
    labels = resize_nearest(upsample_argmax(values, geometry.padded)[:height, :width], geometry.source)
    if not scores:
        return labels, None
    best = winning_scores(values, geometry.padded, kind=kind)[:height, :width]
    return labels, resize_nearest(best, geometry.source)


def _holds_scores(output: NDArray[Any], declared: str) -> bool:
    """Tells scores (C, H, W) from labels (H, W) or (1, H, W) by type and shape, never by values."""
    kind, bits = output.dtype.kind, 8 * output.dtype.itemsize
    if declared != "scores" and kind in "iu" and (output.ndim == 2 or (output.ndim == 3 and len(output) == 1)):
        return False
    # One channel that nothing explains has no best class; float64 would gain ties when it is narrowed.
    if declared != "labels" and kind == "f" and bits <= 32 and output.ndim == 3 and len(output) > 1:
        return True
    expected = {"labels": Message("Whole numbers (H, W) were"), "scores": Message("Float scores (classes, H, W) were")}
    either = Message("Whole numbers (H, W) or float scores (classes, H, W) were")
    hint = (
        Message("Export the network with zoo, or with a sigmoid as its last operation and output_op none.")
        if kind == "f" and output.ndim == 3 and len(output) == 1
        else Message("Export the model again with output_op argmax, or with zoo.")
    )
    raise InferenceError(
        "The program returned {shape} {dtype} a picture. {declared} expected.",
        hint,
        shape=output.shape,
        dtype=output.dtype,
        declared=expected.get(declared, either),
    )


def _as_labels(output: NDArray[Any]) -> NDArray[Any]:
    labels = output.reshape(output.shape[-2:])
    top = int(labels.max(initial=0))
    if labels.min(initial=0) < 0 or top > 65535:
        raise InferenceError(
            "The program returned class values from {lowest} to {top}. 0 to 65535 were expected.",
            "Export the model again.",
            lowest=labels.min(),
            top=top,
        )
    return labels.astype(np.uint8 if top < 256 else np.uint16)

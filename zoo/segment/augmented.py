"""Test-time augmentation: the mean of the softmax probabilities over mirrored and scaled views of a picture.

Each view's logits stay as small as the network returns them. They are interpolated and averaged row by row, so the
probabilities of the whole picture are never held.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import (
    Resize,
    ResizeLong,
    ResizeShort,
    Step,
)
from zoo.errors import BundleError, ConfigError
from zoo.picture.image import MAX_PIXELS
from zoo.segment.opencv import resize_linear
from zoo.segment.scores import (
    Taps,
    interpolate,
    label_map,
    taps,
)
from zoo.segment.transforms import (
    Geometry,
    preprocess,
)
from zoo.segment.upsample import lowest_argmax

#: Evaluates a picture (H, W, 3) RGB uint8 by the steps given: its logits (C, h, w) and how it lies in the input.
Evaluate: TypeAlias = Callable[[NDArray[np.uint8], Sequence[Step]], tuple[NDArray[np.float32], Geometry]]

# Elements of one row of one view.
_CHUNK_ELEMENTS = 1 << 16


@dataclass(frozen=True, eq=False)
class _View:
    """Logits of the picture, less the highest at each place, and the axes that lead from its pixels to them."""

    logits: NDArray[np.float32]
    rows: Taps
    columns: Taps


def augmented(
    image: NDArray[np.uint8],
    evaluate: Evaluate,
    bundle: Bundle,
    *,
    flip: bool = False,
    scales: Sequence[float] = (1.0,),
    scores: bool = False,
) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.float32] | None]:
    """Segments a picture by the mean over its views.

    Args:
        image: (H, W, 3) RGB uint8; not modified.
        evaluate: Runs one view. It is given the bundle's steps, for scaled views without those that resize.
        bundle: The model's preprocessing, and what its program returns.
        flip: Take each view mirrored left to right too.
        scales: Sizes of the views, as factors of the size the bundle's own preprocessing gives.
        scores: Return the mean probability of the winning class too.

    Returns:
        (H, W) labels and (H, W) float32 scores or None. With one view as it is they are those of the plain evaluation.

    Raises:
        ConfigError: The picture would have too many pixels at one of the scales.
        BundleError: The program returns no logits.
        InferenceError: The engine failed or returned NaN.
    """
    if bundle.output != "logits":
        raise BundleError(
            "{model} cannot be averaged over views: its program returns {output}. Logits were expected.",
            "Use flip=False and scales=(1.0,), or export the network with zoo, which keeps the logits.",
            model=bundle.model,
            output=bundle.output,
        )
    if not flip and tuple(scales) == (1.0,):
        return label_map(*evaluate(image, bundle.preprocess), bundle, scores)
    views = [
        _view(image, evaluate, bundle.preprocess, scale, mirrored)
        for scale, mirrored in itertools.product(scales, (False, True) if flip else (False,))
    ]
    return _mean(views, (image.shape[0], image.shape[1]), scores)


def _view(image: NDArray[np.uint8], evaluate: Evaluate, steps: Sequence[Step], scale: float, mirrored: bool) -> _View:
    # Mirrored after scaling and before anything else, so that the picture lies in the upper left corner of the padding.
    if scale == 1:
        logits, geometry = evaluate(np.ascontiguousarray(image[:, ::-1]) if mirrored else image, steps)
    else:
        picture = _scaled(image, steps, scale)
        others = [step for step in steps if not isinstance(step, (Resize, ResizeLong, ResizeShort))]
        logits, geometry = evaluate(np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture, others)
    rows, columns = (
        taps(np.arange(size), length * resized, size * padded, length)
        for size, length, resized, padded in zip(
            image.shape[:2], logits.shape[1:], geometry.resized, geometry.padded, strict=True
        )
    )
    if mirrored:
        columns = columns.at(slice(None, None, -1))
    return _View(logits - logits.max(axis=0), rows, columns)


def _scaled(image: NDArray[np.uint8], steps: Sequence[Step], scale: float) -> NDArray[np.uint8]:
    """Resizes a picture to the size its preprocessing gives it, times the scale, by the rules of its last resizing."""
    _, geometry = preprocess(image, steps)
    resizing = [step for step in steps if isinstance(step, Resize)]
    multiple, antialias = (resizing[-1].multiple, resizing[-1].antialias) if resizing else (1, True)
    height, width = (max(1, math.ceil(round(side * scale) / multiple)) * multiple for side in geometry.resized)
    if height * width > MAX_PIXELS:
        raise ConfigError(
            "At scale {scale} the picture has {pixels} pixels ({height}x{width}). At most {limit} are accepted.",
            "Leave this scale out.",
            scale=scale,
            pixels=height * width,
            height=height,
            width=width,
            limit=MAX_PIXELS,
        )
    if not antialias:
        return resize_linear(image, (height, width))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _mean(
    views: Sequence[_View], size: tuple[int, int], scores: bool
) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.float32] | None]:
    classes = len(views[0].logits)
    labels = np.empty(size, np.uint8 if classes <= 256 else np.uint16)
    best = np.empty(size if scores else (0, 0), np.float32)
    step = max(1, _CHUNK_ELEMENTS // classes)
    for start in range(0, size[1], step):
        stop = min(start + step, size[1])
        mean = np.empty((classes, stop - start), np.float32)
        parts = [interpolate(view.logits, view.rows, view.columns.at(slice(start, stop))) for view in views]
        for y, rows in enumerate(zip(*parts, strict=True)):
            mean[:] = 0
            for row in rows:
                row -= row.max(axis=0)
                np.exp(row, out=row)
                row *= 1 / (len(views) * row.sum(axis=0))
                mean += row
            labels[y, start:stop] = lowest_argmax(mean[:, None])[0]
            if scores:
                best[y, start:stop] = mean.max(axis=0)
    return labels, best if scores else None

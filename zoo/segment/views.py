"""Test-time augmentation: the mean of the softmax probabilities over mirrored and scaled views of a picture.

Each view's logits stay as small as the network returns them. They are interpolated and averaged row by row, so the
probabilities of the whole picture are never held.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.spec import Resize, ResizeLong, ResizeShort, Step
from zoo.errors import ConfigError
from zoo.picture.image import MAX_PIXELS
from zoo.segment.label_map import LabelMap, Scores
from zoo.segment.opencv import resize_linear
from zoo.segment.scores import Taps, interpolate, taps
from zoo.segment.transforms import Geometry, geometry_of
from zoo.segment.upsample import lowest_argmax

# Elements of one row of one view.
_CHUNK_ELEMENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a picture.

    Attributes:
        scale: Factor of the size the model's own preprocessing gives.
        mirrored: Whether it is mirrored left to right.
    """

    scale: float = 1.0
    mirrored: bool = False

    def sized(self, size: tuple[int, int], steps: Sequence[Step]) -> tuple[tuple[int, int], tuple[Step, ...]]:
        """Returns the (height, width) of this view of a picture, and the steps of its preprocessing.

        Args:
            size: (height, width) of the picture.
            steps: The model's own preprocessing. A scaled view goes without those of them that resize.

        Raises:
            ConfigError: The view would have too many pixels.
        """
        if self.scale == 1:
            _check_input(size, geometry_of(size, steps).padded)
            return size, tuple(steps)
        multiple = _last_resize(steps).multiple
        resized = geometry_of(size, steps).resized
        height, width = (max(1, math.ceil(round(side * self.scale) / multiple)) * multiple for side in resized)
        limit = max(MAX_PIXELS, size[0] * size[1])
        if height * width > limit:
            raise ConfigError(
                "At scale {scale} the picture has {pixels} pixels ({height}x{width}). At most {limit} are accepted.",
                "Leave this scale out.",
                scale=self.scale,
                pixels=height * width,
                height=height,
                width=width,
                limit=limit,
            )
        return (height, width), tuple(s for s in steps if not isinstance(s, (Resize, ResizeLong, ResizeShort)))

    def of(self, image: NDArray[np.uint8], steps: Sequence[Step]) -> NDArray[np.uint8]:
        """Returns this view of a picture, (h, w, 3) RGB uint8.

        Args:
            image: (H, W, 3) RGB uint8; not modified.
            steps: The model's own preprocessing, by whose last resizing it is scaled.

        Raises:
            ConfigError: As in `sized`.
        """
        if self.scale != 1:
            (height, width), _ = self.sized((image.shape[0], image.shape[1]), steps)
            if _last_resize(steps).antialias:
                image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
            else:
                image = resize_linear(image, (height, width))
        # Mirrored after scaling and before anything else, so that it lies in the upper left corner of the padding.
        return np.ascontiguousarray(image[:, ::-1]) if self.mirrored else image


def _check_input(size: tuple[int, int], padded: tuple[int, int]) -> None:
    """Refuses an input that is much larger than its picture: a mistake in the settings, and more than memory holds.

    Raises:
        ConfigError: The settings of the model ask for it.
    """
    height, width = padded
    if height * width > max(MAX_PIXELS, 2 * size[0] * size[1]):
        raise ConfigError(
            "The settings make an input of {height}x{width} from a picture of {rows}x{columns}. At most "
            "{limit} pixels were expected.",
            "Correct target_size of the pipeline file, or the sizes in the model's own settings file, inference.yml.",
            height=height,
            width=width,
            rows=size[0],
            columns=size[1],
            limit=MAX_PIXELS,
        )


def views_of(flip: bool, scales: Sequence[float]) -> tuple[View, ...]:
    """Returns the views to average, each scale as it is and, with `flip`, mirrored; none for a picture as it is."""
    if not flip and tuple(scales) == (1.0,):
        return ()
    return tuple(View(scale, mirrored) for scale in scales for mirrored in ((False, True) if flip else (False,)))


@dataclass(frozen=True, eq=False)
class _Sampled:
    """Logits of one view, less the highest at each place, and the axes that lead to them from the picture's pixels."""

    logits: NDArray[np.float32]
    rows: Taps
    columns: Taps


def mean_over_views(
    evaluated: Iterable[tuple[NDArray[np.float32], Geometry]],
    views: Sequence[View],
    size: tuple[int, int],
    scores: bool = False,
) -> tuple[LabelMap, Scores]:
    """Makes the label map of a picture of the logits of its views.

    Args:
        evaluated: For each view its logits (C, h, w), and how it lay in the input.
        views: The views, in the same order.
        size: (height, width) of the picture.
        scores: Return the mean probability of the winning class too.

    Returns:
        (H, W) labels, and (H, W) float32 scores or None.
    """
    sampled = [_sampled(*each, view, size) for each, view in zip(evaluated, views, strict=True)]
    return _mean(sampled, size, scores)


def _last_resize(steps: Sequence[Step]) -> Resize:
    """Says by which rules a scaled view is resized; the size in it is not used."""
    return next((step for step in reversed(steps) if isinstance(step, Resize)), Resize((1, 1)))


def _sampled(logits: NDArray[np.float32], geometry: Geometry, view: View, size: tuple[int, int]) -> _Sampled:
    grid = logits.shape[1:]
    rows, columns = (
        taps(np.arange(pixels), reach, pixels, length)
        for pixels, reach, length in zip(size, geometry.reach(grid), grid, strict=True)
    )
    if view.mirrored:
        columns = columns.at(slice(None, None, -1))
    return _Sampled(logits - logits.max(axis=0), rows, columns)


def _mean(views: Sequence[_Sampled], size: tuple[int, int], scores: bool) -> tuple[LabelMap, Scores]:
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

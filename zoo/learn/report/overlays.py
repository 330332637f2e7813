"""Pictures under their classes, small."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.contract.labels import LabelSet
from zoo.results.classes import color_table
from zoo.results.drawing.draw import OPACITY, blend


def overlay_jpeg(image: NDArray[np.uint8], classes: NDArray[np.integer], labels: LabelSet, longest: int = 480) -> bytes:
    """Returns a picture under its classes.

    Args:
        image: (H, W, 3) RGB.
        classes: (H, W) numbers of classes, or the ignore index: pixels that are left as they are.
        labels: The classes.
        longest: Pixels that the picture may be wide and high.

    Returns:
        A JPEG file.
    """
    step = max(1, -(-max(classes.shape) // longest))
    shown = classes[::step, ::step].astype(np.uint16)
    small = np.asarray(Image.fromarray(image).resize(shown.shape[::-1], Image.Resampling.BOX))
    colors = color_table(labels, labels.ignore_index + 1)
    blended = blend(small, shown, colors, OPACITY, outline=True, unknown=labels.ignore_index)
    file = io.BytesIO()
    Image.fromarray(blended).save(file, "JPEG", quality=88)
    return file.getvalue()

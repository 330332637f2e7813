"""Masks as pictures: pure class colours, or blended over the source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError

_BAND = 1 << 18


def colorize(mask: NDArray[np.uint8 | np.uint16], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the mask in the colours of its values, (H, W, 3) RGB."""
    return np.take(table, mask, axis=0)


def blend(
    image: NDArray[np.uint8], mask: NDArray[np.uint8 | np.uint16], table: NDArray[np.uint8], opacity: float
) -> NDArray[np.uint8]:
    """Lays the class colours over a picture.

    With a = round(256 * opacity), a channel is floor((picture * (256 - a) + color * a + 128) / 256): exactly the
    picture at opacity 0, exactly the class colours at 1, the rounded mean at 0.5.

    Args:
        image: (H, W, 3) RGB; not modified.
        mask: (H, W) class values.
        table: Colours of the values, (N, 3).
        opacity: Weight of the class colours, 0 to 1.

    Returns:
        (H, W, 3) RGB.

    Raises:
        OutputError: The opacity is not within 0 to 1.
    """
    if not 0.0 <= opacity <= 1.0:
        raise OutputError(
            "The opacity is {opacity!r}. A number from 0 to 1 was expected.", "Use opacity=0.5", opacity=opacity
        )
    weight = round(256 * opacity)
    colors = table.astype(np.uint16) * np.uint16(weight) + np.uint16(128)
    blended = np.empty(image.shape, dtype=np.uint8)
    # Bands of rows keep the 16-bit sums in the processor's cache, and memory bounded for large pictures.
    rows = max(1, _BAND // image.shape[1])
    for top in range(0, image.shape[0], rows):
        band = slice(top, top + rows)
        total = image[band].astype(np.uint16)
        total *= np.uint16(256 - weight)
        total += np.take(colors, mask[band], axis=0)
        total >>= np.uint16(8)
        blended[band] = total
    return blended

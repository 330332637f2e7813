"""Which pixels of a picture have no data, as GDAL marks them in a TIFF file: by a value that stands for none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import TiffImagePlugin as Tiff
from PIL.TiffImagePlugin import TiffImageFile

from zoo.message import Message
from zoo.picture.wide import WideValues

_NODATA = 42113


def without_data(picture: Image.Image, wide: WideValues | None) -> tuple[NDArray[np.bool_] | None, str]:
    """Finds the pixels all of whose colours are the value that its file calls no data.

    Args:
        picture: The image, decoded.
        wide: Its values of more than 8 bits, where it has such.

    Returns:
        (H, W), None where there is no such pixel; and what a result says about it.
    """
    value = _nodata(picture)
    if value is None or not isinstance(picture, TiffImageFile):
        return None, ""
    tags: Any = picture.tag_v2
    values: NDArray[Any] = np.asarray(picture) if wide is None else wide.values
    if wide is None and max(tags.get(Tiff.BITSPERSAMPLE, (1,))) > 8 * values.dtype.itemsize:
        # Of these only the high byte is read.
        return None, Message("pixels without data are not told from others")
    if picture.mode in ("L", "1") and tags.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0) == 0:
        # Pillow has inverted them.
        value = (255 if picture.mode == "L" else 1) - value
    colours = values if values.ndim == 2 else values[:, :, : 1 if picture.mode in ("LA", "La", "PA") else 3]
    empty = (colours == value).reshape(*colours.shape[:2], -1).all(axis=2)
    if not empty.any():
        return None, ""
    return empty, Message("{share:.1%} of the pixels have no data, which makes them unknown", share=float(empty.mean()))


def _nodata(picture: Image.Image) -> float | None:
    tags: Any = getattr(picture, "tag_v2", {})
    try:
        return float(str(tags.get(_NODATA)).strip("\0 "))
    except ValueError:
        return None

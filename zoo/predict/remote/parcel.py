"""A picture on its way to a server: never with a loss that it has not already."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.picture.sources import Input

_JPEG = b"\xff\xd8\xff"
# A larger file is sent as its pixels, of which the limit of the server tells.
_MOST = 64 << 20


def parcel(item: Input, image: NDArray[np.uint8], near: bool) -> bytes:
    """Returns what is sent of a picture.

    A JPEG file goes as it is: its pixels would take several times the bytes, and the server decodes it as it was
    decoded here. Everything else, such as an array, a frame or a page, goes as the pixels that were read here.

    Args:
        item: Where it is from; read already.
        image: (H, W, 3) RGB uint8.
        near: Whether the server is on this machine, where packing takes longer than sending.
    """
    if os.path.isabs(item.uri) and not item.note and item.empty is None and (content := _jpeg(item.uri)):
        return content
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PPM" if near else "PNG", **({} if near else {"compress_level": 2}))
    return buffer.getvalue()


def _jpeg(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            if file.read(3) != _JPEG or os.fstat(file.fileno()).st_size > _MOST:
                return b""
            file.seek(0)
            return file.read()
    except OSError:
        return b""

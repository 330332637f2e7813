"""Scores as JSON: every pixel's, exactly."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError

#: The member of a result document that holds them.
SCORES = "scores"
_FORM = {"encoding": "zlib", "dtype": "float32"}


def encode_scores(scores: NDArray[np.float32]) -> dict[str, str]:
    """Returns (H, W) scores as plain data: their bytes, packed, as text."""
    # The bytes of equal weight stand together, which packs better and faster.
    planes = np.ascontiguousarray(scores.astype("<f4").reshape(-1).view(np.uint8).reshape(-1, 4).T)
    return {**_FORM, "data": base64.b64encode(zlib.compress(planes.tobytes(), 1)).decode("ascii")}


def decode_scores(document: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """Returns the scores of a document.

    Args:
        document: With the member `scores`, as `encode_scores` made it.
        size: (height, width) that they must have.

    Returns:
        (H, W) float32, equal to those that were encoded.

    Raises:
        DecodeError: There are none, they are damaged or of another size.
    """
    found = document.get(SCORES)
    entry = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    data = entry.get("data")
    count = size[0] * size[1]
    content = b""
    if {name: entry.get(name) for name in _FORM} == _FORM and isinstance(data, str):
        try:
            # No more is unpacked than there may be.
            content = zlib.decompressobj().decompress(base64.b64decode(data, validate=True), count * 4 + 1)
        except (binascii.Error, ValueError, zlib.error):
            content = b""
    if len(content) != count * 4:
        raise DecodeError(
            "The document holds no scores of {height}x{width} pixels.",
            "Ask a server of the same zoo-core.",
            height=size[0],
            width=size[1],
        )
    planes = np.frombuffer(content, np.uint8).reshape(4, count)
    return np.ascontiguousarray(planes.T).view("<f4").reshape(size).astype(np.float32, copy=False)

"""The forms of a result that are pictures, as files.

Their options are those of the methods of `Result`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.results.drawing.draw import OPACITY
from zoo.results.drawing.segmented import Segmented
from zoo.results.encode import encode_jpeg, encode_mask_png, encode_png

if TYPE_CHECKING:
    from zoo.results.result import Result


def _over_the_picture(draw: Callable[..., NDArray[np.uint8]], said: str) -> Callable[..., bytes]:
    """Returns the encoder of what a method of `Result` draws."""

    def encode(
        results: Iterable[Result],
        path: Path,
        opacity: float = OPACITY,
        legend: bool | None = None,
        outline: bool = True,
        names: bool = False,
        font: str | os.PathLike[str] | None = None,
    ) -> bytes:
        (result,) = results
        shown = legend is None or legend
        return _encoded(draw(result, opacity, shown, outline=outline, names=names, font=font), result, path)

    encode.__doc__ = said
    return encode


overlay = _over_the_picture(Segmented.overlay, "Encodes the picture under the class colours.")
side = _over_the_picture(Segmented.side, "Encodes picture and overlay side by side.")


def color(
    results: Iterable[Result],
    path: Path,
    legend: bool | None = None,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Encodes the class colours alone."""
    (result,) = results
    return _encoded(result.color(bool(legend), font=font), result, path)


def mask(results: Iterable[Result], path: Path) -> bytes:
    """Encodes the class values."""
    (result,) = results
    return encode_mask_png(result.mask, result.color_table(), result.uri)


def _encoded(picture: NDArray[np.uint8], result: Result, path: Path) -> bytes:
    return (encode_jpeg if path.suffix.lower() in (".jpg", ".jpeg") else encode_png)(picture, result.uri)

"""The forms of a result that are pictures, as files.

Their options are those of the methods of `Result`; `save_to_img` gives opacity and legend to all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError
from zoo.results.drawing.draw import OPACITY
from zoo.results.encode import encode_jpeg, encode_mask_png, encode_png

if TYPE_CHECKING:
    from zoo.results.result import Result


def overlay(
    results: Iterable[Result],
    path: Path,
    opacity: float = OPACITY,
    legend: bool | None = None,
    outline: bool = True,
    names: bool = False,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Encodes the picture under the class colours."""
    (result,) = results
    shown = legend is None or legend
    return _encoded(result.overlay(opacity, shown, outline=outline, names=names, font=font), result, path)


def side(
    results: Iterable[Result],
    path: Path,
    opacity: float = OPACITY,
    legend: bool | None = None,
    outline: bool = True,
    names: bool = False,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Encodes picture and overlay side by side."""
    (result,) = results
    shown = legend is None or legend
    return _encoded(result.side(opacity, shown, outline=outline, names=names, font=font), result, path)


def color(
    results: Iterable[Result],
    path: Path,
    opacity: float = OPACITY,
    legend: bool | None = None,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Encodes the class colours alone; they are never mixed with the picture, whatever the opacity."""
    (result,) = results
    return _encoded(result.color(bool(legend), font=font), result, path)


def mask(results: Iterable[Result], path: Path, opacity: float = OPACITY, legend: bool | None = None) -> bytes:
    """Encodes the class values, whatever the opacity.

    Raises:
        OutputError: A legend is asked for.
    """
    (result,) = results
    if legend:
        raise OutputError("A mask has no legend: every pixel of it is a class value.", 'Use kind="color"')
    return encode_mask_png(result.mask, result.color_table(), result.uri)


def _encoded(picture: NDArray[np.uint8], result: Result, path: Path) -> bytes:
    return (encode_jpeg if path.suffix.lower() in (".jpg", ".jpeg") else encode_png)(picture, result.uri)

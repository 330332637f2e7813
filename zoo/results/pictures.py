"""The forms of a result that are pictures, as files.

Their options are those of the methods of `Result`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
